// Shared by the parts of the emulator.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "tests/cuda_emulation/emulation.h"

namespace mininmt::emulation {

// Held by every runtime call: one thread at a time, also while kernels run.
std::recursive_mutex& mutex();

// Prints "emulated CUDA: " and the text, and aborts.
[[noreturn]] void fail(const std::string& text);

// Stores an error for cudaGetLastError and returns it.
cudaError_t report(cudaError_t error);

// The error set by set_device_error, for calls that need a device.
cudaError_t device_error();

// The error set by set_call_error for this call.
cudaError_t call_error(const char* call);

// What is running now, for messages; empty while the host runs.
void set_running(const std::string& what);
const char* running();

Counts& executed();
std::map<std::string, std::int64_t>& executed_kernels();

}  // namespace mininmt::emulation
