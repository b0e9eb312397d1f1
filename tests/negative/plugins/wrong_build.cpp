// Compiled with the string ABI of another age.
#include <marginalia/energy.h>
#include "broken_energy.h"

MARGINALIA_PLUGIN("abi 1, c++ abi 1002, cxx11 strings 0, debug stl 0", "energy", "wrong-build", "", "", no_parameters,
                  &make_nothing, "");
