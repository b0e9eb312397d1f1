// A secret of the person who runs marginalia here, which no store carries.
#pragma once

#include <string>

namespace marginalia {

// 64 hex digits, kept in $XDG_STATE_HOME/marginalia/key (else ~/.local/state/marginalia/key), readable by its owner
// only; empty where there is none or it is another's.
std::string user_key();

// The same, made where there is none yet. Throws Error where it cannot be.
std::string make_user_key();

// HMAC-SHA256 (RFC 2104, of the inner digest's hex digits) of a text, by such a key: 64 hex digits.
std::string seal_of(const std::string& key, const std::string& text);

}  // namespace marginalia
