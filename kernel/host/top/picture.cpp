#include "kernel/host/top/picture.h"

#include <utility>

namespace marginalia::top {

Line::Line(std::string text, Tone tone, bool strong) : spans{{0, std::move(text), tone, strong}} {}

void Line::add(std::string text, Tone tone, std::size_t gap) {
    const std::size_t end = spans.empty() ? 0 : spans.back().column + display_width(spans.back().text);
    spans.push_back({end + gap, std::move(text), tone});
}

std::string text_of(const Line& line) {
    std::string text;
    for (const Span& span : line.spans) {
        const std::size_t width = display_width(text);
        if (span.column > width) text.append(span.column - width, ' ');
        text += span.text;
    }
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
}

}  // namespace marginalia::top
