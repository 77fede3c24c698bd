// The gradient check of every row of the op table.
#include <doctest/doctest.h>

#include "tensor/memory.h"
#include "tests/ops/op_table.h"
#include "tests/ops/report.h"

namespace mininmt {

TEST_CASE("every operation's gradient is its numeric derivative") {
  cpu_memory().pool().set_poison(true);
  for (const OpRow& row : op_table()) {
    if (row.large) continue;
    Operands operands(row);
    const GradcheckResult result = check_gradients(
        operands.parameters(), [&](Tape& tape) { return row.build(tape, operands.leaves(tape)); });
    report_row(row.name, row.shapes(), result);
    CHECK_MESSAGE(result.passed(), row.name << " " << row.shapes() << ": " << result.worst);
    CHECK(result.elements == operands.parameters().count());
  }
  cpu_memory().pool().set_poison(false);
}

}  // namespace mininmt
