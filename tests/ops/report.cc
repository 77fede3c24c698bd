#include "tests/ops/report.h"

#include <cstdio>

namespace mininmt {
namespace {

// Lives until the program ends, then prints the total.
class Report {
 public:
  Report() {
    std::printf("%-34s %-38s %9s %10s %10s\n", "gradient check", "shapes", "elements", "max abs", "max rel");
  }
  ~Report() {
    std::printf("%-34s %-38s %9lld %10.1e %10.1e  %s\n", "total", (std::to_string(rows_) + " checks").c_str(),
                elements_, max_absolute_, max_relative_,
                failed_ == 0 ? "ok" : (std::to_string(failed_) + " FAIL").c_str());
  }

  void add(const std::string& name, const std::string& shapes, const GradcheckResult& result) {
    std::printf("%-34s %-38s %9lld %10.1e %10.1e  %s\n", name.c_str(), shapes.c_str(),
                static_cast<long long>(result.elements), result.max_absolute, result.max_relative,
                result.passed() ? "ok" : "FAIL");
    if (!result.passed())
      std::printf("    %lld out of tolerance, worst %s\n", static_cast<long long>(result.failures),
                  result.worst.c_str());
    ++rows_;
    failed_ += result.passed() ? 0 : 1;
    elements_ += result.elements;
    if (result.max_absolute > max_absolute_) max_absolute_ = result.max_absolute;
    if (result.max_relative > max_relative_) max_relative_ = result.max_relative;
  }

 private:
  int rows_ = 0, failed_ = 0;
  long long elements_ = 0;
  double max_absolute_ = 0, max_relative_ = 0;
};

}  // namespace

void report_row(const std::string& name, const std::string& shapes, const GradcheckResult& result) {
  static Report report;
  report.add(name, shapes, result);
}

}  // namespace mininmt
