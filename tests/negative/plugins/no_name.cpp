// A descriptor that somebody filled in by hand, and forgot the name.
#include <marginalia/energy.h>
#include "broken_energy.h"

MARGINALIA_PLUGIN(MARGINALIA_BUILD_TAG, "energy", nullptr, "", "", no_parameters, &make_nothing, "");
