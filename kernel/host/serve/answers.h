// What the page gets: itself, and the store's content as JSON.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <string>

#include "kernel/host/page/documents.h"
#include "kernel/host/serve/http.h"
#include "kernel/host/serve/question.h"

namespace marginalia::serve {

// The store is opened for each question anew, so that one that was replaced, or could not be read for a while, is none
// of the next one's business. Answers from any number of threads.
class Answers {
public:
    explicit Answers(std::filesystem::path store);

    // Never throws: what goes wrong is an answer as well, in the program's own sentence. `revision`: of the store as it
    // was at least, told with the answer.
    Answer to(const Request& request, std::int64_t revision) noexcept;

private:
    page::Json document(const Question& question, std::int64_t revision);
    page::Json experiments(store::Store& store, std::int64_t revision);

    const std::filesystem::path file_;
    const std::string page_;
    std::mutex mutex_;
    // What is known of experiments as they were, by name: guarded by mutex_.
    struct Known {
        store::ExperimentInfo info;
        page::Headline headline;
    };
    std::map<std::string, Known> known_;
};

}  // namespace marginalia::serve
