// Emulates the header of the same name: host calls, device functions, and launches.
#pragma once

#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>

#include "cuda_runtime_api.h"
#include "emulated/device.h"
#include "emulated/types.h"
#include "emulated/vectors.h"

namespace mininmt::emulation::host {

// Ends the process, with the kernel's name and the argument's number, if an argument is an address outside
// allocated device memory and pinned memory; in a struct, if a word is the address of host memory.
void check_pointer(const void* kernel, int argument, const void* address);
void check_struct(const void* kernel, int argument, const void* bytes, std::size_t size);

// Queues body, to run once per thread.
cudaError_t launch(const cudaLaunchConfig_t& config, const void* kernel, std::function<void()> body);

template <class T>
void check_argument(const void* kernel, int argument, const T& value) {
  if constexpr (std::is_pointer_v<T>)
    check_pointer(kernel, argument, reinterpret_cast<const void*>(value));
  else if constexpr (std::is_class_v<T>)
    check_struct(kernel, argument, &value, sizeof(T));
}

}  // namespace mininmt::emulation::host

template <class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                               Arguments&&... arguments) {
  static_assert((std::is_trivially_copyable_v<Parameters> && ...),
                "a kernel's arguments are copied as bytes");
  static_assert(!(std::is_reference_v<Parameters> || ...), "a kernel takes no references");
  // One copy for all threads; the kernel's parameters are copied again per thread, like registers.
  auto values = std::make_shared<const std::tuple<std::remove_cv_t<Parameters>...>>(
      static_cast<Parameters>(std::forward<Arguments>(arguments))...);
  const void* const address = reinterpret_cast<const void*>(kernel);
  std::apply(
      [&](const auto&... value) {
        [[maybe_unused]] int argument = 0;
        (mininmt::emulation::host::check_argument(address, ++argument, value), ...);
      },
      *values);
  return mininmt::emulation::host::launch(*config, address,
                                          [kernel, values] { std::apply(kernel, *values); });
}

template <class... Parameters>
cudaError_t cudaFuncSetAttribute(void (*kernel)(Parameters...), cudaFuncAttribute attribute, int value) {
  return cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), attribute, value);
}

template <class T>
cudaError_t cudaMalloc(T** address, std::size_t bytes) {
  return cudaMalloc(reinterpret_cast<void**>(address), bytes);
}

template <class T>
cudaError_t cudaMallocAsync(T** address, std::size_t bytes, cudaStream_t stream) {
  return cudaMallocAsync(reinterpret_cast<void**>(address), bytes, stream);
}

template <class T>
cudaError_t cudaMallocHost(T** address, std::size_t bytes, unsigned flags = 0) {
  return cudaHostAlloc(reinterpret_cast<void**>(address), bytes, flags);
}
