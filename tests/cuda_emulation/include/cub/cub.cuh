// Emulates the header of the same name.
#pragma once

#include "cub/device/device_radix_sort.cuh"
