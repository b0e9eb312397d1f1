#include "store/check.h"

#include <fmt/format.h>

#include <functional>
#include <memory>
#include <optional>

#include "store/check_rows.h"
#include "store/connection.h"
#include "store/error.h"
#include "store/garbage.h"
#include "store/place.h"
#include "store/state.h"

namespace marginalia::store {

namespace fs = std::filesystem;

namespace {

using Weight = Finding::Weight;

// What SQLite finds wrong with the pages, and with indexes that do not match their tables.
std::vector<std::string> damaged_pages(Connection& connection) {
    constexpr std::size_t most = 20;
    std::vector<std::string> found;
    Rows rows(connection, "PRAGMA integrity_check(20)");
    while (rows.next() && found.size() < most) {
        auto line = rows.text(0);
        if (line == "ok") continue;
        if (line.starts_with("*** in database")) line.erase(0, line.find('\n') + 1);
        found.push_back(line.substr(0, line.find('\n')));
    }
    return found;
}

std::string megabytes(std::int64_t bytes) { return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6); }

class Examination {
public:
    explicit Examination(const fs::path& file) : file_(file) {}

    std::vector<Finding> run() {
        attempt("file", [&] { store_.emplace(Store::open_to_read(file_)); });
        if (is_store_) attempt("place", [&] { look_at_place(); });
        if (store_) attempt("trials", [&] { count_trials(); });
        // What is damaged, or of another layout, is still a file to SQLite.
        else if (is_store_)
            attempt("pages", [&] { bare_ = std::make_unique<Connection>(file_, Connection::Access::read); });
        if (store_ || bare_) attempt("pages", [&] { look_inside(); });
        return std::move(found_);
    }

private:
    void add(Weight weight, std::string about, std::string words) {
        found_.push_back({weight, std::move(about), std::move(words)});
    }

    void damage(const char* about, const std::string& words) {
        add(Weight::damage, about,
            fmt::format("{}; marginalia recover {} --out NEW keeps what is whole", words, file_.string()));
    }

    // What keeps the file from being read is a finding, and its sentence says what to do.
    void attempt(const char* about, const std::function<void()>& body) {
        using Kind = StoreError::Kind;
        try {
            body();
        } catch (const StoreError& error) {
            is_store_ = is_store_ && error.kind() != Kind::not_a_store;
            std::string words = error.what();
            if (std::error_code none; !is_store_ && fs::is_regular_file(file_, none))
                words += fmt::format("; if it was a store, marginalia recover {} --out NEW keeps what is whole",
                                     file_.string());
            add(error.kind() == Kind::older ? Weight::note : Weight::damage, about, words);
        }
    }

    void look_at_place() {
        try {
            check_place_to_write(file_);
        } catch (const StoreError& error) {  // readers do without
            add(Weight::note, "place", error.what());
        }
    }

    void count_trials() {
        Rows rows(store_->connection(), "SELECT count(*), count(DISTINCT experiment) FROM main.trial");
        rows.next();
        add(Weight::good, "file",
            fmt::format("{}: {}; trials: {}, experiments: {}", file_.string(),
                        megabytes(static_cast<std::int64_t>(fs::file_size(file_))), rows.integer(0), rows.integer(1)));
    }

    void look_inside() {
        Connection& connection = store_ ? store_->connection() : *bare_;
        const auto pages = damaged_pages(connection);
        for (const auto& words : pages) damage("pages", words);
        if (pages.empty()) add(Weight::good, "pages", fmt::format("{} are whole", pragma(connection, "page_count")));
        if (!pages.empty()) return;
        bool usual = false;
        attempt("tables", [&] {
            const auto tables = strange_tables(connection);
            for (const auto& words : tables) damage("tables", words);
            usual = tables.empty();
        });
        if (!store_ || !usual) return;
        attempt("rows", [&] { look_at_rows(); });
        attempt("trials", [&] { look_at_trials(); });
        attempt("room", [&] { look_at_room(); });
    }

    void look_at_rows() {
        const auto rows = damaged_rows(*store_);
        for (const auto& words : rows) damage("rows", words);
        if (rows.empty()) add(Weight::good, "rows", "fit together");
    }

    void look_at_trials() {
        Rows gone(store_->connection(),
                  "SELECT count(*) FROM temp.trial g JOIN main.trial t ON t.id = g.id WHERE t.status = 'running' AND "
                  "g.status = 'lost'");
        if (gone.next() && gone.integer(0) > 0)
            add(Weight::note, "trials",
                fmt::format("trials whose process is gone, which the next `marginalia run` or `resume` takes up: {}",
                            gone.integer(0)));
    }

    void look_at_room() {
        constexpr std::int64_t much = 64'000'000;  // that a log may rightly grow to
        const auto size = pragma(store_->connection(), "page_count") * pragma(store_->connection(), "page_size");
        for (const auto& garbage : find_garbage(*store_, {})) {
            const bool matters = garbage.what == "free pages"
                                     ? garbage.bytes > size / 4
                                     : garbage.what != "trials in the trash" && garbage.count > 0;
            if (matters)
                add(Weight::note, "room",
                    fmt::format("{}: {}; marginalia gc frees them", garbage.what, megabytes(garbage.bytes)));
        }
        std::error_code missing;
        const auto log = fs::file_size(file_.string() + "-wal", missing);
        if (!missing && log > much)
            add(Weight::note, "room",
                fmt::format("the log beside it has {}, as something reads or writes all the time or was killed; the "
                            "next run that ends while nobody reads empties it",
                            megabytes(static_cast<std::int64_t>(log))));
    }

    const fs::path file_;
    std::vector<Finding> found_;
    bool is_store_ = true;
    std::optional<Store> store_;
    std::unique_ptr<Connection> bare_;
};

}  // namespace

std::vector<Finding> examine(const fs::path& file) { return Examination(file).run(); }

std::vector<std::string> find_damage(Store& store) {
    if (auto pages = damaged_pages(store.connection()); !pages.empty()) return pages;
    if (auto tables = strange_tables(store.connection()); !tables.empty()) return tables;
    return damaged_rows(store);
}

}  // namespace marginalia::store
