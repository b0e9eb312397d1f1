// The page as one document, which needs no other file.
#pragma once

#include <string>

namespace marginalia::page {

// What the page may load and run, as a Content-Security-Policy: its own two scripts and its style by their digests,
// pictures that the data hold, and answers of the server it came from.
std::string served_policy();

// The page that asks a server for what it shows.
std::string served_page();

// The page about what `embedded` holds, JSON as json_text (json_text.h) writes it: it asks nobody. `title` is foreign
// text.
std::string page_with(const std::string& embedded, const std::string& title);

}  // namespace marginalia::page
