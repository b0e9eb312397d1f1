#include "store/archive.h"

#include <fmt/format.h>

#include "store/error.h"
#include "store/place.h"
#include "store/schema.h"
#include "store/sentences.h"
#include "store/transfer.h"

namespace marginalia::store {

namespace fs = std::filesystem;

void archive_trials(const fs::path& from, std::span<const TrialId> trials, const fs::path& to) {
    if (fs::exists(fs::symlink_status(to))) throw taken_name(to);
    check_place_to_write(to);
    const auto fill = [&](Connection& archive) {
        Transfer transfer(archive, from);
        archive.begin();
        try {
            for (const auto trial : trials) transfer.copy(trial);
            run(archive,
                "UPDATE trial SET status = 'lost', error = 'it was running when it was copied' "
                "WHERE status = 'running'");
            archive.commit();
        } catch (...) {
            archive.rollback();
            throw;
        }
    };
    if (!create_store(to, migrations(), fill)) throw taken_name(to);
}

}  // namespace marginalia::store
