#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes examples/data/energy.csv: what 2,000 homes used for heat in a month. Synthetic.

    heat  = u x e x area x max(0, 19 - outdoor) x 0.72     kWh: W/K, 720 hours, 1,000 W per kW
    kwh   = (heat + 60 x occupants) / efficiency x (1 + 0.03 z)

u (W per m2 and K) is the insulation's, e the building's share of outer walls, z is noise of
deviation 1. A heat pump's efficiency rises with the outdoor temperature: 2.6 + 0.06 x outdoor.
So a network can learn `kwh` from the other columns (regression), or `heating` (classification).

    tools/make_example_data.py > examples/data/energy.csv
"""

import random

ROWS = 2000
SEED = 20240229
INSULATION = {"poor": 1.6, "fair": 1.0, "good": 0.5}
BUILDING = {"flat": 0.6, "terraced": 1.0, "detached": 1.4}
EFFICIENCY = {"oil": 0.7, "district": 1.0, "heat pump": None}


def efficiency(heating, outdoor):
    """Heat out per kWh in."""
    return EFFICIENCY[heating] or 2.6 + 0.06 * outdoor


def main():
    """Write the table to stdout."""
    uniform = random.Random(SEED).random  # its bits are the same in every Python 3

    def pick(table):
        return list(table)[int(uniform() * len(table))]

    print("building,insulation,heating,area_m2,occupants,outdoor_c,kwh")
    for _ in range(ROWS):
        building, insulation, heating = pick(BUILDING), pick(INSULATION), pick(EFFICIENCY)
        area = 35 + int(uniform() * 185)
        occupants = 1 + int(uniform() * 5)
        outdoor = round(-10 + 32 * uniform(), 1)
        noise = sum(uniform() for _ in range(12)) - 6  # nearly normal, exactly reproducible
        heat = INSULATION[insulation] * BUILDING[building] * area * max(0, 19 - outdoor) * 0.72
        kwh = (heat + 60 * occupants) / efficiency(heating, outdoor) * (1 + 0.03 * noise)
        print(f"{building},{insulation},{heating},{area},{occupants},{outdoor:.1f},{kwh:.1f}")


if __name__ == "__main__":
    main()
