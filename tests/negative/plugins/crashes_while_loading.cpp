// Its static constructor touches what is not there.
#include <marginalia/energy.h>
#include "broken_energy.h"

static int* volatile nowhere = nullptr;
__attribute__((constructor)) static void crash() { *nowhere = 1; }

MARGINALIA_PLUGIN(MARGINALIA_BUILD_TAG, "energy", "crashes-while-loading", "", "", no_parameters, &make_nothing, "");
