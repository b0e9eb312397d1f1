#include "kernel/host/run/catalogue_cache.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <ctime>
#include <nlohmann/json.hpp>

#include "kernel/base/output_file.h"
#include "kernel/base/own_file.h"

namespace marginalia {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int cache_version = 1;                     // of the file's form
constexpr std::size_t most_cache_bytes = 64u << 20;  // of the file, which others than we may have made long
constexpr std::size_t most_cached_files = 2000;      // that it speaks of

// How reasons begin that hang on more than the file: a library that it uses is missing, descriptors have run out.
constexpr std::string_view passing = "cannot be ";

// "": it cannot be told from the next one that somebody writes there.
std::string stamp_of(const fs::path& file) {
    constexpr std::int64_t second = 1'000'000'000, young = second / 10;
    const auto nanoseconds = [](const timespec& time) { return time.tv_sec * second + time.tv_nsec; };
    struct stat found{};
    timespec now{};
    if (::stat(file.c_str(), &found) != 0 || ::clock_gettime(CLOCK_REALTIME, &now) != 0) return {};
    const std::int64_t changed = nanoseconds(found.st_ctim);
    if (nanoseconds(now) - changed < young) return {};
    return fmt::format("{}:{} {} {} {}", found.st_dev, found.st_ino, found.st_size, nanoseconds(found.st_mtim),
                       changed);
}

bool holds(const CatalogueCache::Finding& finding, const std::string& stamp, const std::string& worker) {
    return !stamp.empty() && finding.stamp == stamp && !worker.empty() && finding.worker == worker &&
           finding.library == stamp_of(finding.library_file);
}

// The whole of it as one catalogue, so that a plugin has the same form here and on the worker's pipe.
json to_json(const std::map<std::string, CatalogueCache::Finding>& findings) {
    json stamps;
    PluginCatalogue catalogue;
    for (const auto& [path, finding] : findings) {
        stamps[path] = {finding.stamp, finding.worker, finding.library, finding.library_file};
        if (finding.plugin) catalogue.plugins.push_back(*finding.plugin);
        else catalogue.failures.push_back({path, finding.refusal});
    }
    return {{"version", cache_version}, {"stamps", stamps}, {"catalogue", catalogue}};
}

}  // namespace

CatalogueCache::CatalogueCache(const fs::path& worker_program)
    : file_(user_cache_folder().empty() ? fs::path() : user_cache_folder() / "plugins.json"),
      worker_(stamp_of(worker_program)), stored_(read()) {}

CatalogueCache::Findings CatalogueCache::read() const {
    Findings findings;
    const auto text = read_own_file(file_, 022, most_cache_bytes);
    if (!text) return findings;
    try {
        const json all = json::parse(*text);
        if (all.at("version") != cache_version) return {};
        const auto stamps = all.at("stamps").get<std::map<std::string, std::array<std::string, 4>>>();
        auto catalogue = all.at("catalogue").get<PluginCatalogue>();
        const auto add = [&](const std::string& path) -> Finding& {
            const auto& [stamp, worker, library, library_file] = stamps.at(path);
            return findings[path] = {stamp, worker, library, library_file, std::nullopt, {}};
        };
        for (PluginManifest& plugin : catalogue.plugins) add(plugin.path).plugin = plugin;
        for (PluginFailure& failure : catalogue.failures) add(failure.path).refusal = failure.reason;
    } catch (const std::exception&) {  // damaged, or of another version's making
        return {};
    }
    return findings;
}

bool CatalogueCache::look_up(const fs::path& file) {
    const std::string& stamp = stamps_[file] = stamp_of(file);
    const auto found = stored_.find(file);
    if (found == stored_.end() || !holds(found->second, stamp, worker_)) return false;
    known_[file] = found->second;
    return true;
}

void CatalogueCache::keep(const PluginCatalogue& found, const fs::path& library) {
    const auto add = [&, now = stamp_of(library)](const std::string& path) -> Finding* {
        const auto asked = stamps_.find(path);
        if (asked == stamps_.end()) return nullptr;
        const std::string stamp = asked->second == stamp_of(path) ? asked->second : std::string();
        return &(known_[path] = {stamp, worker_, now, library.string(), std::nullopt, {}});
    };
    for (const PluginManifest& plugin : found.plugins)
        if (Finding* finding = add(plugin.path)) finding->plugin = plugin;
    for (const PluginFailure& failure : found.failures)
        if (Finding* finding = add(failure.path)) {
            finding->refusal = failure.reason;
            if (failure.reason.starts_with(passing)) finding->stamp.clear();
        }
    write();
}

const CatalogueCache::Finding* CatalogueCache::find(const fs::path& file) const {
    const auto found = known_.find(file);
    return found == known_.end() ? nullptr : &found->second;
}

// What others have written meanwhile stays, as far as it is still true.
void CatalogueCache::write() const {
    if (file_.empty()) return;
    Findings all = read();
    for (const auto& [path, finding] : known_) all[path] = finding;
    std::erase_if(all, [](const auto& entry) { return entry.second.stamp.empty() || stamp_of(entry.first).empty(); });
    if (all.size() > most_cached_files)
        std::erase_if(all, [&](const auto& entry) { return !known_.contains(entry.first); });
    const std::string text = to_json(all).dump(-1, ' ', false, json::error_handler_t::replace);
    if (text.size() > most_cache_bytes) return;
    try {
        fs::create_directories(file_.parent_path());
        if (!read_own_file(file_, 022, most_cache_bytes)) fs::remove(file_);
        OutputFile out(file_, "XDG_CACHE_HOME", 0600);
        out.stream() << text;
        out.commit();
    } catch (const std::exception&) {  // no room or no right: it is a cache
    }
}

}  // namespace marginalia
