// Asks for a table that no experiment file has.
#include <marginalia/energy.h>
#include "broken_energy.h"

MARGINALIA_PLUGIN(MARGINALIA_BUILD_TAG, "energy", "needs-a-kettle", "", "", no_parameters, &make_nothing, "kettle");
