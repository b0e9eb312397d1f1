// Bytes in RFC 4648's letters, as addresses of pictures and digests of scripts have them.
#pragma once

#include <string>
#include <string_view>

namespace marginalia::page {

std::string base64(std::string_view bytes);

}  // namespace marginalia::page
