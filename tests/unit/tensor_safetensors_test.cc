// The model file format: round trip, exact bytes, and every kind of damage.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>

#include "tensor/error.h"
#include "tensor/random.h"
#include "tensor/safetensors.h"

namespace mininmt {
namespace {

struct Folder {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("mininmt-safetensors-" + std::to_string(::getpid()));
  const std::string file = (path / "model.safetensors").string();

  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }

  std::string bytes() const {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void put(const std::string& bytes) const {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
  }
  // A file with this header, padded to 8 bytes, and this many bytes of data.
  void put(const std::string& header, std::size_t data) const {
    const std::uint64_t length = header.size();
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &length, 8);
    put(bytes + header + std::string(data, '\0'));
  }
};

SafeTensors example() {
  SafeTensors contents;
  contents.metadata = {{"format", "1"}, {"note", "\"quoted\" \\ \n é"}};
  contents.tensors["W"] = {{2, 3}, {1, -2.5f, 0, -0.0f, 1e-40f, 3.4e38f}};
  contents.tensors["empty"] = {{0, 7}, {}};
  contents.tensors["scalar"] = {{}, {42}};
  return contents;
}

bool equal(const SafeTensors& a, const SafeTensors& b) {
  if (a.metadata != b.metadata || a.tensors.size() != b.tensors.size()) return false;
  for (const auto& [name, tensor] : a.tensors) {
    const auto other = b.tensors.find(name);
    if (other == b.tensors.end() || other->second.shape != tensor.shape) return false;
    if (other->second.data.size() != tensor.data.size()) return false;
    if (!tensor.data.empty() &&
        std::memcmp(other->second.data.data(), tensor.data.data(), tensor.data.size() * sizeof(float)) != 0)
      return false;
  }
  return true;
}

// The message of the DataError when reading the file, which it must name. Anything else fails the test.
std::string refusal(const std::string& file) {
  try {
    read_safetensors(file);
  } catch (const DataError& error) {
    CHECK(std::string(error.what()).rfind(file, 0) == 0);
    return error.what();
  } catch (const std::exception& error) {
    FAIL_CHECK("not a DataError: " << error.what());
  }
  return "";
}

void check_refused(const Folder& folder, const std::string& part) {
  const std::string message = refusal(folder.file);
  CHECK_MESSAGE(message.find(part) != std::string::npos, message << " does not say: " << part);
}

}  // namespace

TEST_CASE_FIXTURE(Folder, "what is written is read back, to the bit") {
  write_safetensors(file, example());
  CHECK(equal(read_safetensors(file), example()));
  write_safetensors(file, {});  // over an older file
  CHECK(equal(read_safetensors(file), {}));
}

TEST_CASE_FIXTURE(Folder, "the bytes are those of the format") {
  SafeTensors contents;
  contents.tensors["b"] = {{2}, {1, 2}};
  write_safetensors(file, contents);
  const std::string all = bytes();
  std::uint64_t length = 0;
  std::memcpy(&length, all.data(), 8);
  CHECK(length % 8 == 0);
  CHECK(all.size() == 8 + length + 8);
  std::string header = all.substr(8, length);
  header.erase(header.find_last_not_of(' ') + 1);
  CHECK(header == R"({"b":{"data_offsets":[0,8],"dtype":"F32","shape":[2]}})");
  CHECK(all.substr(8 + length) == std::string("\x00\x00\x80\x3f\x00\x00\x00\x40", 8));
}

TEST_CASE_FIXTURE(Folder, "a file by another program: any order of keys and of data") {
  put(R"({"b":{"shape":[1],"dtype":"F32","data_offsets":[4,8]},"a":{"dtype":"F32","data_offsets":[0,4],"shape":[1,1]}})",
      8);
  const SafeTensors contents = read_safetensors(file);
  CHECK(contents.tensors.size() == 2);
  CHECK(contents.tensors.at("a").shape == std::vector<std::int64_t>{1, 1});
}

TEST_CASE_FIXTURE(Folder, "empty tensors lie where others begin, whatever their names") {
  for (const char* name : {"a", "z"}) {
    put(join(R"({"m":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)", '"', name,
             R"(":{"dtype":"F32","shape":[0,3],"data_offsets":[0,0]}})"),
        4);
    const SafeTensors contents = read_safetensors(file);
    CHECK(contents.tensors.at(name).shape == std::vector<std::int64_t>{0, 3});
    CHECK(contents.tensors.at(name).data.empty());
    CHECK(contents.tensors.at("m").data.size() == 1);
  }
  put(R"({"b":{"dtype":"F32","shape":[0],"data_offsets":[4,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
      4);
  CHECK(read_safetensors(file).tensors.size() == 2);
  put(R"({"b":{"dtype":"F32","shape":[0],"data_offsets":[2,2]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
      4);
  check_refused(*this, "gap or overlap in the data before tensor b");
}

TEST_CASE_FIXTURE(Folder, "what is not UTF-8 can't be written, and leaves no file") {
  SafeTensors contents;
  contents.metadata["note"] = "\xff";
  CHECK_THROWS_AS(write_safetensors(file, contents), DataError);
  CHECK(!std::filesystem::exists(file));
}

TEST_CASE_FIXTURE(Folder, "a file cut off at any byte is refused") {
  write_safetensors(file, example());
  const std::string all = bytes();
  for (std::size_t size = 0; size < all.size(); ++size) {
    put(all.substr(0, size));
    CAPTURE(size);
    CHECK(refusal(file) != "");
  }
  put(all + "x");
  CHECK(refusal(file).find("announced") != std::string::npos);
}

TEST_CASE_FIXTURE(Folder, "a file with any byte altered is read or refused, never worse") {
  SafeTensors contents;
  contents.metadata["k"] = "v";
  contents.tensors["W"] = {{2}, {1, 2}};
  contents.tensors["b"] = {{1}, {3}};
  write_safetensors(file, contents);
  const std::string all = bytes();
  const Random random{11, 0};
  int refused = 0, read = 0;
  for (std::size_t at = 0; at < all.size(); ++at)
    for (std::uint64_t round = 0; round < 10; ++round) {
      std::string altered = all;
      altered[at] = round < 8 ? static_cast<char>(altered[at] ^ (1 << round))
                              : static_cast<char>(random.bits(at * 4 + round));
      put(altered);
      try {
        read_safetensors(file);
        ++read;
      } catch (const DataError&) {
        ++refused;
      }
    }
  CHECK(read > 100);  // changed values or names
  CHECK(refused > 100);
}

TEST_CASE_FIXTURE(Folder, "the header's length is checked before memory is taken") {
  for (const char* length : {"\xff\xff\xff\xff\xff\xff\xff\xff", "\xff\xff\xff\xff\xff\xff\xff\x7f",
                             "\x00\x00\x00\x00\x01\x00\x00\x00", "\x03\x00\x00\x00\x00\x00\x00\x00"}) {
    put(std::string(length, 8) + "{}");
    check_refused(*this, "the length of its header does not fit the file");
  }
}

TEST_CASE_FIXTURE(Folder, "headers that are no headers") {
  const auto refuse = [&](const std::string& header, const std::string& part, std::size_t data = 4) {
    CAPTURE(header);
    put(header, data);
    check_refused(*this, part);
  };
  refuse("", "not a JSON object", 0);
  refuse("{", "not JSON", 0);
  refuse("hello", "not a JSON object", 0);
  refuse(" {}", "not a JSON object", 0);  // the format requires { first
  refuse("\xef\xbb\xbf{}", "not a JSON object", 0);
  refuse("{} {}", "not JSON", 0);
  refuse("{\"\xff\":1}", "not JSON", 0);
  refuse("[]", "not a JSON object", 0);
  refuse("null", "not a JSON object", 0);
  refuse(R"({"a":1})", "not that of a safetensors file");
  refuse(R"({"a":{}})", "not that of a safetensors file");
  refuse(R"({"a":{"dtype":"F32","shape":[1]}})", "not that of a safetensors file");
  refuse(R"({"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}})", "not a list of whole numbers");
  refuse(R"({"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}})", "not a list of whole numbers");
  for (const char* extent : {"1.0", "1.7", "1e300", "-1", "-0", "true", "null", "18446744073709551617"})
    refuse(join(R"({"a":{"dtype":"F32","shape":[)", extent, R"(],"data_offsets":[0,4]}})"),
           "tensor a has a shape that is not a list of whole numbers");
  for (const char* dtype : {"32", "null", "[\"F32\"]", "\"f32\""})
    refuse(join(R"({"a":{"dtype":)", dtype, R"(,"shape":[1],"data_offsets":[0,4]}})"),
           "tensor a is not of type F32");
  refuse(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", "tensor a has not two data_offsets");
  refuse(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}})", "tensor a has not two data_offsets");
  refuse(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4.5]}})", "tensor a has not two data_offsets");
  refuse(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":"0,4"}})", "tensor a has not two data_offsets");
  refuse(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[-0,4]}})", "tensor a has not two data_offsets");
  refuse(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":{"0":0,"1":4}}})",
         "tensor a has not two data_offsets");
  refuse(R"({"__metadata__":{"a":1}})", "not that of a safetensors file", 0);
  refuse(R"({"__metadata__":{"a":null}})", "not that of a safetensors file", 0);
  refuse(R"({"__metadata__":[]})", "not that of a safetensors file", 0);
  refuse(R"({"__metadata__":[["a","b"]]})", "not that of a safetensors file", 0);
  refuse(R"({"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}})", "tensor a is not of type F32");
  refuse(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})",
         "tensor a: its offsets do not fit its shape");
  refuse(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})",
         "tensor a: its offsets do not fit its shape");
  for (const char* shape : {"0,9223372036854775807", "9223372036854775807,0", "0,18446744073709551615"})
    refuse(join(R"({"a":{"dtype":"F32","shape":[)", shape, R"(],"data_offsets":[0,0]}})"),
           "tensor a has an impossible shape", 0);
  refuse(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}})",
         "tensor a has an impossible shape");
  refuse(R"({"a":{"dtype":"F32","shape":[9223372036854775807],"data_offsets":[0,4]}})",
         "tensor a has an impossible shape");
  refuse(R"({"a":{"dtype":"F32","shape":[1000000],"data_offsets":[0,4000000]}})",
         "4000000 bytes of data are announced but 4");
  refuse(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
         "gap or overlap in the data before tensor a", 8);
  refuse(
      R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
      "gap or overlap in the data before tensor");
  refuse(
      R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
      "gap or overlap in the data before tensor b", 12);
  refuse(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[18446744073709551608,18446744073709551612]}})",
         "gap or overlap");
}

TEST_CASE_FIXTURE(Folder, "a key that stands twice, at the top or inside") {
  const std::string entry = R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  put(R"({"a":)" + entry + R"(,"a":)" + entry + "}", 4);
  check_refused(*this, "the header has the key 'a' twice");
  put(R"({"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4);
  check_refused(*this, "the header has the key 'dtype' twice");
  put(R"({"a":)" + entry + R"(,"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8);
  CHECK(refusal(file) == "");  // the same key in two tensors is fine
}

TEST_CASE_FIXTURE(Folder, "deep nesting is refused, however deep") {
  for (const std::size_t depth : {std::size_t{5}, std::size_t{100}, std::size_t{1'000'000}}) {
    put(R"({"a":)" + std::string(depth, '['), 0);
    check_refused(*this, "nested too deeply");
  }
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += R"({"a":)";
  put(objects, 0);
  check_refused(*this, "nested too deeply");
}

TEST_CASE_FIXTURE(Folder, "a file that can't be read or written is an IoError that names it") {
  const auto io_error = [](const std::string& part, const std::function<void()>& work) {
    try {
      work();
      FAIL_CHECK("no error: " << part);
    } catch (const IoError& error) {
      CHECK_MESSAGE(std::string(error.what()).find(part) != std::string::npos, error.what());
    }
  };
  io_error("none.safetensors can't be opened: No such file",
           [&] { read_safetensors((path / "none.safetensors").string()); });
  io_error(path.string(), [&] { read_safetensors(path.string()); });
  io_error("can't be created", [&] { write_safetensors((path / "none" / "x").string(), example()); });
}

}  // namespace mininmt
