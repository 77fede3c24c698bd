// The test framework itself, compiled once for all executables.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
