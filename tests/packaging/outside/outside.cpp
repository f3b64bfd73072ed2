/* SPDX-License-Identifier: Apache-2.0 */
// The same as outside.c, as C++.
#include <cstdio>
#include <ravine.h>
#include <vector>

int main() {
    std::vector<double> x(16, 0.0), g(16, 1.0);
    ravine_param p{};
    p.size = sizeof p;
    p.dtype = RAVINE_F64;
    p.name = "x";
    p.data = x.data();
    p.grad = g.data();
    p.len = 16;
    ravine_config config;
    ravine_optimizer *optimizer = nullptr;
    bool failed = ravine_config_parse(&config, "sgd lr=0.5") < 0 ||
                  ravine_create(&optimizer, &config, nullptr) < 0 ||
                  ravine_add(optimizer, &p, 1) < 0 || ravine_step(optimizer, nullptr) < 0;
    for (double value : x) failed |= value != -0.5;
    std::printf("%s %s\n", ravine_version(), failed ? ravine_errmsg() : "works");
    ravine_destroy(optimizer);
    return failed;
}
