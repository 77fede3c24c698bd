// Which device the programs choose, and their messages if there is none.
#include <doctest/doctest.h>
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>

#include "apps/program/device.h"
#include "cuda/device.h"
#include "tensor/error.h"
#include "tests/cuda/emulated.h"

namespace mininmt {
namespace {

// The tests compare in float32.
struct PrecisionAsBefore {
  ~PrecisionAsBefore() { cuda::set_precision(before); }
  const cuda::Precision before = cuda::precision();
};

TEST_CASE_FIXTURE(PrecisionAsBefore, "a GPU that is there is chosen, but for --device cpu") {
  for (const std::string device : {"auto", "cuda"}) {
    const Device chosen = choose_device(device, "bf16", 3);
    CHECK(chosen.memory == &cuda::memory());
    CHECK(chosen.threads == 1);
    CHECK(chosen.description.starts_with("GPU: "));
    CHECK(chosen.description.find(cuda::description()) != std::string::npos);
    CHECK(chosen.description.ends_with("products in bf16"));
  }
  const Device cpu = choose_device("cpu", "tf32", 3);
  CHECK(cpu.memory == &cpu_memory());
  CHECK(cpu.threads == 3);
  CHECK(cpu.description == "CPU, 3 threads");
  CHECK(choose_device("cpu", "tf32", 1).description == "CPU, 1 thread");
}

TEST_CASE_FIXTURE(PrecisionAsBefore, "the precision of products is set") {
  using cuda::Precision;
  choose_device("cuda", "float32", 1);
  CHECK(cuda::precision() == Precision::kFloat32);
  choose_device("cuda", "tf32", 1);
  CHECK(cuda::precision() == Precision::kTf32);
  choose_device("cuda", "bf16", 1);
  CHECK(cuda::precision() == Precision::kBf16);
}

TEST_CASE("a description names the GPU, its memory and CUDA") {
  const std::string text = cuda::description();
  for (const std::string part : {"compute capability ", " GiB", "CUDA "})
    CHECK_MESSAGE(text.find(part) != std::string::npos, text);
}

#ifdef MININMT_EMULATED

struct Without {
  explicit Without(cudaError_t error) { emulation::set_device_error(error); }
  ~Without() { emulation::set_device_error(cudaSuccess); }
};

void check_refused(cudaError_t error, const std::string& reason) {
  const Without gpu(error);
  std::string why;
  CHECK_FALSE(cuda::available(&why));
  CHECK_FALSE(cuda::available());
  CHECK_MESSAGE(why.find(reason) != std::string::npos, why);
  CHECK(choose_device("auto", "tf32", 2).description == "CPU, 2 threads; no GPU can be used: " + why);
  CHECK(choose_device("cpu", "tf32", 2).description == "CPU, 2 threads");
  try {
    choose_device("cuda", "tf32", 2);
    FAIL("nothing was thrown");
  } catch (const Error& e) {
    const std::string text = e.what();
    CHECK_MESSAGE(text.starts_with("--device cuda: no GPU can be used: "), text);
    CHECK_MESSAGE(text.find(reason) != std::string::npos, text);
    CHECK_MESSAGE(text.ends_with(". --device cpu does without"), text);
  }
}

TEST_CASE("no GPU that can be used: the reason is given, and auto takes the CPU") {
  check_refused(cudaErrorNoDevice, "no NVIDIA driver is installed");
  check_refused(cudaErrorInsufficientDriver, "older than this program's CUDA: it serves CUDA 11.4");
  CHECK(cuda::available());
}

struct Outcome {
  int status;
  std::string text;
};

// Runs this program with `--device`, on an emulated GPU on which a call fails from the start.
Outcome run_again(const std::string& device, const std::string& failing) {
  const std::string command = "MININMT_EMULATION_FAIL=" + failing + " " +
                              std::filesystem::read_symlink("/proc/self/exe").string() + " --device " +
                              device + " 2>&1";
  FILE* const pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  Outcome outcome;
  for (int c; (c = std::fgetc(pipe)) != EOF;) outcome.text += static_cast<char>(c);
  outcome.status = WEXITSTATUS(pclose(pipe));
  return outcome;
}

TEST_CASE("a GPU that is there but can't be used: auto says why in one line and takes the CPU, cuda ends") {
  struct Failure {
    std::string call, reason;
  };
  const Failure failures[] = {
      {"cudaSetDevice=46", "it is busy or its compute mode is exclusive, and another program has it"},
      {"cudaLaunchKernelEx=209",
       "this program was built for other GPUs than Emulated GPU, compute capability 9.0; "
       "CMAKE_CUDA_ARCHITECTURES says for which"},
      {"cudaLaunchKernelEx=719", "[do_nothing] CUDA: "},
      {"cublasCreate=1", "[cublasCreate] cuBLAS: "},
      {"cudaMallocHost=2", "[cudaMallocHost] CUDA: out of memory"},
  };
  for (const Failure& failure : failures) {
    const Outcome with_auto = run_again("auto", failure.call), with_cuda = run_again("cuda", failure.call);
    INFO(failure.call, ": ", with_auto.text, with_cuda.text);
    CHECK(with_auto.status == 0);
    CHECK(with_auto.text.starts_with("CPU, 2 threads; no GPU can be used: " + failure.reason));
    CHECK(with_auto.text.find('\n') == with_auto.text.size() - 1);
    CHECK(with_cuda.status == 1);
    CHECK(with_cuda.text.starts_with("--device cuda: no GPU can be used: " + failure.reason));
    CHECK(run_again("cpu", failure.call).text == "CPU, 2 threads\n");
  }
  CHECK(run_again("auto", "none=0").text.starts_with("GPU: Emulated GPU"));
}

#endif

}  // namespace
}  // namespace mininmt
