// Shared by the tests of the emulated GPU.
#pragma once

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <string>
#include <vector>

#include "cuda_runtime.h"
#include "tests/cuda_emulation/emulation.h"

namespace mininmt::cuda {

// A device array for a test.
template <class T>
struct Device {
  explicit Device(std::size_t n) : size(n) { REQUIRE(cudaMalloc(&data, n * sizeof(T)) == cudaSuccess); }
  Device(const Device&) = delete;
  ~Device() { cudaFree(data); }
  std::vector<T> host() const {
    cudaDeviceSynchronize();
    std::vector<T> result(size);
    cudaMemcpy(result.data(), data, size * sizeof(T), cudaMemcpyDeviceToHost);
    return result;
  }
  void set(const std::vector<T>& values) {
    cudaMemcpy(data, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice);
  }
  T* data = nullptr;
  std::size_t size;
};

struct Stream {
  Stream() { REQUIRE(cudaStreamCreateWithFlags(&handle, cudaStreamNonBlocking) == cudaSuccess); }
  Stream(const Stream&) = delete;
  ~Stream() { cudaStreamDestroy(handle); }
  cudaStream_t handle;
};

template <class... Parameters, class... Arguments>
cudaError_t start(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared,
                  cudaStream_t stream, Arguments... arguments) {
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = shared;
  config.stream = stream;
  return cudaLaunchKernelEx(&config, kernel, arguments...);
}

// Runs work in a child process; its signal, and its stderr.
struct Death {
  int signal;
  std::string text;
};

inline Death death_of(const std::function<void()>& work) {
  int pipe_ends[2];
  REQUIRE(pipe(pipe_ends) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    for (const int s : {SIGABRT, SIGSEGV, SIGBUS}) std::signal(s, SIG_DFL);
    dup2(pipe_ends[1], STDERR_FILENO);
    close(pipe_ends[0]);
    work();
    _exit(0);
  }
  close(pipe_ends[1]);
  Death death{0, ""};
  char buffer[512];
  for (ssize_t n; (n = read(pipe_ends[0], buffer, sizeof buffer)) > 0;)
    death.text.append(buffer, static_cast<std::size_t>(n));
  close(pipe_ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  death.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  return death;
}

inline void check_death(const Death& death, const std::string& part) {
  CHECK(death.signal != 0);
  CHECK_MESSAGE(death.text.find(part) != std::string::npos, death.text);
}

template <class T>
std::vector<T> in_order(emulation::Order order, const std::function<std::vector<T>()>& work) {
  const emulation::Order before = emulation::order();
  emulation::set_order(order);
  std::vector<T> result = work();
  emulation::set_order(before);
  return result;
}

}  // namespace mininmt::cuda
