#include "kernel/base/terminal.h"

#include <cctype>
#include <cstdlib>
#include <string>

namespace marginalia {

bool locale_is_utf8() {
    for (const char* variable : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        const char* value = std::getenv(variable);
        if (!value || !*value) continue;
        std::string name;
        for (const char* c = value; *c; ++c)
            if (*c != '-') name += static_cast<char>(std::tolower(static_cast<unsigned char>(*c)));
        return name.find("utf8") != std::string::npos;
    }
    return false;
}

}  // namespace marginalia
