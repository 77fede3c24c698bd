#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "autograd/parameter.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

struct Model {
  Parameters parameters;
  const Parameter& b = parameters.add("b", {3});
  const Parameter& W = parameters.add("W", {6, 2}, Initial::zeros(), {"W_z", "W_r", "W_h"});
  const Parameter& a = parameters.add("a", {2, 2});
};

}  // namespace

TEST_CASE_FIXTURE(Model, "parameters lie in one block in the order of their names, zero at first") {
  parameters.allocate();
  CHECK(parameters.count() == 3 + 12 + 4);
  CHECK(parameters.size() == 3 * 64);  // each starts at a multiple of 64
  std::vector<std::string> names;
  for (const Parameter* p : parameters.all()) names.push_back(p->name);
  CHECK(names == std::vector<std::string>{"W", "a", "b"});
  CHECK(W.offset == 0);
  CHECK(a.offset == 64);
  CHECK(b.offset == 128);
  CHECK(a.value.data() == parameters.values().data() + 64);
  CHECK(b.value.shape() == Shape{3});
  for (real v : parameters.values().values()) CHECK(v == 0);
}

TEST_CASE_FIXTURE(Model, "a fused matrix is stored in parts, a plain one under its own name") {
  REQUIRE(W.parts.size() == 3);
  CHECK(W.parts[1].name == "W_r");
  CHECK(W.parts[1].first == 2);
  CHECK(W.parts[1].count == 2);
  CHECK(W.parts[2].first == 4);
  REQUIRE(b.parts.size() == 1);
  CHECK(b.parts[0].name == "b");
  CHECK(b.parts[0].first == 0);
  CHECK(b.parts[0].count == 3);
}

TEST_CASE_FIXTURE(Model, "gradients live in blocks of the same layout, each its own") {
  parameters.allocate();
  const Tensor one = parameters.new_gradients(), two = parameters.new_gradients();
  Parameters::view(one, a).fill(5);
  CHECK(one.data()[63] == 0);
  CHECK(one.data()[64] == 5);
  CHECK(one.data()[67] == 5);
  CHECK(one.data()[68] == 0);
  CHECK(two.data()[64] == 0);
  CHECK(Parameters::view(one, a).shape() == Shape{2, 2});
}

TEST_CASE("rows that do not divide among the parts are refused") {
  Parameters parameters;
  CHECK_THROWS_AS(parameters.add("W", {7, 2}, Initial::zeros(), {"a", "b", "c"}), Error);
}

TEST_CASE_FIXTURE(Model, "nothing is added once the block is laid out") {
  parameters.allocate();
  CHECK_THROWS_WITH_AS(parameters.add("c", {1}), "[Parameters::add] c after allocate()", Error);
}

}  // namespace mininmt
