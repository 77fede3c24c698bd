#include <doctest/doctest.h>

#include "tensor/error.h"
#include "tensor/tensor.h"

namespace mininmt {

TEST_CASE("a tensor's elements, row by row") {
  const Tensor x = Tensor::from({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(x.defined());
  CHECK(x.size() == 6);
  CHECK(x.data()[4] == 5);
  CHECK(x.values().size() == 6);
  CHECK(x.values()[5] == 6);
  CHECK(Tensor::from({}, {7}).item() == 7);
  CHECK(Tensor::from({1, 1}, {7}).item() == 7);
  const Tensor zeros = Tensor::zeros({3, 5});
  for (real v : zeros.values()) CHECK(v == 0);
  CHECK(!Tensor().defined());
  CHECK(Tensor({0, 3}).size() == 0);
}

TEST_CASE("copies, slices, reshapes and views share the elements; a clone has its own") {
  const Tensor x = Tensor::from({3, 2}, {1, 2, 3, 4, 5, 6});
  const Tensor copy = x, slice = x.slice(1, 2), reshaped = x.reshape({2, 3}), view = x.view(3, {2}),
               clone = x.clone();
  x.data()[3] = 40;
  CHECK(copy.data()[3] == 40);
  CHECK(slice.data()[1] == 40);
  CHECK(reshaped.data()[3] == 40);
  CHECK(view.data()[0] == 40);
  CHECK(clone.data()[3] == 4);
  CHECK(slice.shape() == Shape{2, 2});
  CHECK(view.shape() == Shape{2});
  CHECK(slice.slice(1, 1).data() == x.data() + 4);
  CHECK(slice.view(1, {2}).data() == x.data() + 3);
  slice.fill(0);
  CHECK(x.data()[1] == 2);
  CHECK(x.data()[2] == 0);
  CHECK(x.data()[5] == 0);
}

TEST_CASE("a part keeps the elements alive") {
  Tensor part;
  {
    const Tensor x = Tensor::from({2, 2}, {1, 2, 3, 4});
    part = x.slice(1, 1);
  }
  const Tensor other = Tensor::from({2, 2}, {9, 9, 9, 9});
  CHECK(part.data()[0] == 3);
  CHECK(part.data()[1] == 4);
}

TEST_CASE("an undefined tensor has no elements") {
  const Tensor none;
  CHECK(none.size() == 0);
  CHECK(none.values().empty());
  CHECK(!none.on_cuda());
  none.fill(1);
  none.set(none);
  none.set(Tensor({0}));
  CHECK(!none.clone().defined());
  CHECK(!none.to(cpu_memory()).defined());
  CHECK_THROWS_WITH_AS(none.item(), "[Tensor::item] one element expected, the tensor is undefined", Error);
  CHECK_THROWS_WITH_AS(none.memory(), "[Tensor::memory] the tensor is undefined", Error);
  CHECK_THROWS_AS(none.reshape({}), Error);
  CHECK_THROWS_AS(none.view(0, {}), Error);
  CHECK_THROWS_AS(none.slice(0, 0), Error);
  CHECK_THROWS_WITH_AS(none.set(Tensor::zeros({})), "[Tensor::set] 0 elements, shape (), from 1, shape ()",
                       Error);
  CHECK_THROWS_AS(Tensor::zeros({}).set(none), Error);
}

TEST_CASE("what a tensor refuses") {
  const Tensor x = Tensor::zeros({3, 2});
  CHECK_THROWS_WITH_AS(Tensor::from({2, 2}, {1}), "[Tensor::from] 1 values for shape (2, 2)", Error);
  CHECK_THROWS_WITH_AS(x.item(), "[Tensor::item] one element expected, shape is (3, 2)", Error);
  CHECK_THROWS_AS(Tensor().item(), Error);
  CHECK_THROWS_WITH_AS(x.slice(2, 2), "[Tensor::slice] entries 2 to 4 of (3, 2)", Error);
  CHECK_THROWS_AS(x.slice(-1, 1), Error);
  CHECK_THROWS_AS(x.slice(1, -1), Error);
  CHECK_THROWS_WITH_AS(x.reshape({7}), "[Tensor::reshape] (3, 2) into (7)", Error);
  CHECK_THROWS_WITH_AS(x.view(4, {3}), "[Tensor::view] (3) from element 4 of (3, 2)", Error);
  CHECK_THROWS_AS(x.view(-1, {1}), Error);
  CHECK(x.view(6, {0}).size() == 0);
  CHECK(x.slice(3, 0).size() == 0);
}

}  // namespace mininmt
