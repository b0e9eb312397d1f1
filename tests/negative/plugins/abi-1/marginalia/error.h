// The one exception type of marginalia.
#pragma once

#include <stdexcept>
#include <string>

#define MARGINALIA_API __attribute__((visibility("default")))

namespace marginalia {

// The message is one sentence that names the thing, the value and the remedy. Layers that know more (the plugin's
// name, the file and line) put it in front and throw again. Thrown by plugins and by the host alike; a plugin that
// throws loses its own trial only.
class MARGINALIA_API Error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

}  // namespace marginalia
