#include "apps/train/tensorboard.h"

#include <bit>
#include <boost/crc.hpp>
#include <cstdint>
#include <nlohmann/json.hpp>

namespace mininmt {
namespace {

using Json = nlohmann::ordered_json;

// The bytes of a number, the lowest first.
template <class T>
std::string bytes(T number) {
  std::string text;
  for (std::size_t i = 0; i < sizeof number; ++i) text += static_cast<char>(number >> (8 * i) & 0xff);
  return text;
}

std::string varint(std::uint64_t number) {
  std::string text;
  for (; number >= 0x80; number >>= 7) text += static_cast<char>(number | 0x80);
  return text + static_cast<char>(number);
}

// A field of a protocol buffer: its number, its wire type (0 varint, 1 and 5 numbers of 8 and 4 bytes, 2
// bytes with their length), its value.
std::string field(int number, int type, const std::string& value) {
  return varint(static_cast<std::uint64_t>(number << 3 | type)) + value;
}
std::string text_field(int number, const std::string& text) {
  return field(number, 2, varint(text.size()) + text);
}

// CRC-32C, rotated and moved as TFRecord has it.
std::string masked_checksum(const std::string& data) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(data.data(), data.size());
  return bytes<std::uint32_t>(std::rotr(static_cast<std::uint32_t>(crc.checksum()), 15) + 0xa282ead8u);
}

std::string record(const std::string& data) {
  const std::string length = bytes<std::uint64_t>(data.size());
  return length + masked_checksum(length) + data + masked_checksum(data);
}

// time: in seconds since 1970.
std::string event(double time, const std::string& rest) {
  return record(field(1, 1, bytes(std::bit_cast<std::uint64_t>(time))) + rest);
}

// Summary.Value
std::string scalar(const std::string& tag, double value) {
  return text_field(
      1, text_field(1, tag) + field(2, 5, bytes(std::bit_cast<std::uint32_t>(static_cast<float>(value)))));
}

}  // namespace

std::string tensorboard_events(const std::vector<std::string>& lines) {
  std::string file = event(0, text_field(3, "brain.Event:2"));
  for (const std::string& line : lines) {
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_object()) continue;
    const bool is_validation = json.contains("metrics");
    std::string scalars;
    for (const auto& [name, value] : (is_validation ? json["metrics"] : json).items())
      if (value.is_number() && name != "update" && name != "seconds" && name != "time")
        scalars += scalar((is_validation ? "validation/" : "training/") + name, value.get<double>());
    if (scalars.empty()) continue;
    const auto update = json.value("update", std::int64_t{0});
    file += event(json.value("time", 0.0),
                  field(2, 0, varint(static_cast<std::uint64_t>(update))) + text_field(5, scalars));
  }
  return file;
}

}  // namespace mininmt
