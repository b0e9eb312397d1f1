// A kind that nobody knows.
#include <marginalia/energy.h>
#include "broken_energy.h"

MARGINALIA_PLUGIN(MARGINALIA_BUILD_TAG, "optimizer", "unknown-kind", "", "", no_parameters, &make_nothing, "");
