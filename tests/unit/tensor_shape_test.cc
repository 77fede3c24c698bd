#include <doctest/doctest.h>

#include "tensor/error.h"
#include "tensor/shape.h"

namespace mininmt {

TEST_CASE("a shape's rank, size, axes") {
  const Shape shape{7, 80, 256};
  CHECK(shape.rank() == 3);
  CHECK(shape.size() == 7 * 80 * 256);
  CHECK(shape[0] == 7);
  CHECK(shape[2] == 256);
  CHECK(shape[-1] == 256);
  CHECK(shape[-3] == 7);
  CHECK(shape.row_size() == 80 * 256);
  CHECK(shape.rows() == 7 * 80);
  CHECK(shape.to_string() == "(7, 80, 256)");
}

TEST_CASE("a scalar has rank 0 and one element; an empty axis makes no elements") {
  CHECK(Shape{}.rank() == 0);
  CHECK(Shape{}.size() == 1);
  CHECK(Shape{}.rows() == 1);
  CHECK(Shape{}.to_string() == "()");
  CHECK(Shape{3, 0, 5}.size() == 0);
  CHECK(Shape{4}.rows() == 1);
  CHECK(Shape{4}.row_size() == 1);
}

TEST_CASE("shapes are equal if rank and extents are") {
  CHECK(Shape{2, 3} == Shape{2, 3});
  CHECK(Shape{2, 3} != Shape{3, 2});
  CHECK(Shape{2, 3} != Shape{2, 3, 1});
  CHECK(Shape{0} != Shape{});
  CHECK(Shape{2, 3, 4}.without_first().without_first() == Shape{4});  // the old axes no longer count
}

TEST_CASE("shapes made of a shape") {
  const Shape shape{7, 80, 256};
  CHECK(shape.with_first(3) == Shape{3, 80, 256});
  CHECK(shape.with_last(3) == Shape{7, 80, 3});
  CHECK(shape.without_first() == Shape{80, 256});
  CHECK(shape.prepend(2) == Shape{2, 7, 80, 256});
  CHECK(Shape{}.prepend(5) == Shape{5});
  CHECK(Shape{5}.without_first() == Shape{});
}

TEST_CASE("sizes beyond what there can be are refused, not wrapped around") {
  const std::int64_t big = std::int64_t{1} << 40;
  CHECK_THROWS_AS((Shape{big, std::int64_t{1} << 24}), Error);
  CHECK_THROWS_AS((Shape{big, 0, big}), Error);
  CHECK_THROWS_AS((Shape{big, 2}.with_last(big)), Error);
  CHECK_THROWS_AS((Shape{2, big}.with_first(big)), Error);
  CHECK_THROWS_AS(Shape{big}.prepend(big), Error);
  CHECK((Shape{big, 1 << 10}.size()) == std::int64_t{1} << 50);
}

TEST_CASE("what a shape refuses") {
  CHECK_THROWS_WITH_AS((Shape{1, 2, 3, 4, 5}), "[Shape] at most 4 dimensions, got 5", Error);
  CHECK_THROWS_WITH_AS((Shape{2, -1}), "[Shape] negative dimension in (2, -1)", Error);
  CHECK_THROWS_WITH_AS((Shape{2, 3}[2]), "[Shape] axis 2 of (2, 3)", Error);
  CHECK_THROWS_WITH_AS((Shape{2, 3}[-3]), "[Shape] axis -3 of (2, 3)", Error);
  CHECK_THROWS_WITH_AS((Shape{}[0]), "[Shape] axis 0 of ()", Error);
  CHECK_THROWS_WITH_AS((Shape{}.with_first(1)), "[Shape] a scalar has no first dimension", Error);
  CHECK_THROWS_WITH_AS((Shape{}.without_first()), "[Shape] a scalar has no first dimension", Error);
  CHECK_THROWS_WITH_AS((Shape{}.with_last(1)), "[Shape] a scalar has no last dimension", Error);
  CHECK_THROWS_WITH_AS((Shape{1, 2, 3, 4}.prepend(1)),
                       "[Shape] no room for a fifth dimension before (1, 2, 3, 4)", Error);
}

}  // namespace mininmt
