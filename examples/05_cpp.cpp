/* SPDX-License-Identifier: Apache-2.0 */
// C++17: a small owner around the C handle. Failures become exceptions, destruction is automatic,
// and there is nothing to install but ravine.h.
#include <ravine.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

ravine_status check(ravine_status status) {
    if (status < 0) throw std::runtime_error(ravine_errmsg());
    return status;
}

class Optimizer {
  public:
    explicit Optimizer(const std::string &rule) {
        ravine_config config;
        check(ravine_config_parse(&config, rule.c_str()));
        ravine_optimizer *raw = nullptr;
        check(ravine_create(&raw, &config, nullptr));
        handle.reset(raw);
    }

    // Both vectors must outlive the optimizer and keep their place: do not resize them.
    void add(const std::string &name, std::vector<float> &data, std::vector<float> &grad) {
        ravine_param parameter{};
        parameter.size = sizeof parameter;
        parameter.dtype = RAVINE_F32;
        parameter.name = name.c_str(); // copied
        parameter.data = data.data();
        parameter.grad = grad.data();
        parameter.len = static_cast<std::int64_t>(data.size());
        check(ravine_add(handle.get(), &parameter, 1));
    }

    ravine_step_stats step() {
        ravine_step_stats stats{};
        stats.size = sizeof stats;
        check(ravine_step(handle.get(), &stats));
        return stats;
    }

  private:
    struct Destroy {
        void operator()(ravine_optimizer *optimizer) const { ravine_destroy(optimizer); }
    };
    std::unique_ptr<ravine_optimizer, Destroy> handle;
};

// Rosenbrock's valley for each pair of x: gradient into g, returns the mean loss.
double valley(const std::vector<float> &x, std::vector<float> &g) {
    double loss = 0;
    for (std::size_t i = 0; i + 1 < x.size(); i += 2) {
        const float along = 1 - x[i], across = x[i + 1] - x[i] * x[i];
        g[i] = -2 * along - 400 * x[i] * across;
        g[i + 1] = 200 * across;
        loss += static_cast<double>(along * along + 100 * across * across);
    }
    return 2 * loss / static_cast<double>(x.size());
}

// Says how it went down the valley.
void descend() {
    std::vector<float> x(100, -1.0F), gradient(x.size());
    Optimizer optimizer("nadam lr=0.02");
    optimizer.add("x", x, gradient);
    for (int step = 0; step <= 2000; step++) {
        const double loss = valley(x, gradient);
        const ravine_step_stats stats = optimizer.step();
        if (step % 400 == 0)
            std::printf("step %4d  loss %.6f  gradient %.5f\n", step, loss, stats.grad_norm);
    }
}

} // namespace

int main() {
    try {
        descend();
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    try {
        Optimizer mistake("nadam beta2=1.5");
    } catch (const std::exception &error) {
        std::printf("a mistake is caught: %s\n", error.what());
        return 0;
    }
    return 1;
}
