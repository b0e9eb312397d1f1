// What a terminal can show.
#pragma once

namespace marginalia {

// Whether it takes UTF-8: as the first of LC_ALL, LC_CTYPE and LANG that is set says, whatever locales are installed.
bool locale_is_utf8();

}  // namespace marginalia
