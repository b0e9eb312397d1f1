// Built dataset plugins with the SDK alone, and folders of files for them.
#pragma once

#include <marginalia/dataset.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>

#include "tests/plugins/energy_plugin.h"

namespace dataset_testing {

namespace fs = std::filesystem;

// A folder of its own, removed at the end.
class Folder {
public:
    Folder() {
        std::string name = (fs::temp_directory_path() / "marginalia-data-XXXXXX").string();
        if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
        path_ = name;
    }
    ~Folder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    const fs::path& path() const { return path_; }
    std::string operator/(const std::string& name) const { return (path_ / name).string(); }

    // Writes a file; returns its path.
    std::string write(const std::string& name, const std::string& bytes) const {
        const fs::path file = path_ / name;
        fs::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << bytes;
        return file.string();
    }

private:
    fs::path path_;
};

inline std::string bytes_of(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

inline std::unique_ptr<const marginalia::Dataset> make(const std::string& name, const energy_plugin::Words& words) {
    const marginalia::PluginDescriptor& plugin = energy_plugin::descriptor(name);
    const auto create = reinterpret_cast<marginalia::DatasetFactory>(plugin.create);
    return std::unique_ptr<const marginalia::Dataset>(create(energy_plugin::params_of(plugin, words), nullptr));
}

// A message without the folder's path.
inline std::string without_folder(std::string text, const Folder& folder) {
    const std::string prefix = folder / "";
    for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) text.erase(at, prefix.size());
    return text;
}

// The message of the refusal, without the folder's path; "" where there is none.
inline std::string refusal(const std::string& name, const energy_plugin::Words& words, const Folder& folder) {
    try {
        make(name, words);
    } catch (const marginalia::Error& error) {
        return without_folder(error.what(), folder);
    }
    return "";
}

// Makes a dataset and says how long that took.
inline std::unique_ptr<const marginalia::Dataset> timed_make(const std::string& name,
                                                             const energy_plugin::Words& words) {
    const auto start = std::chrono::steady_clock::now();
    auto dataset = make(name, words);
    std::cout << name << " read in " << std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()
              << " s\n";
    return dataset;
}

inline std::vector<std::uint8_t> row_of(const marginalia::Dataset& dataset, marginalia::Split split,
                                        std::size_t index) {
    std::vector<std::uint8_t> row(static_cast<std::size_t>(dataset.sites()), 99);
    dataset.row(split, index, row);
    return row;
}

inline std::string text_of(const marginalia::Dataset& dataset, marginalia::Split split, std::size_t index) {
    return dataset.text(row_of(dataset, split, index));
}

// The data sets that this workplace keeps beside the project (or in MARGINALIA_TEST_DATA); empty, said aloud, where the
// file is not there.
inline std::string real_data(const std::string& file) {
    const char* given = std::getenv("MARGINALIA_TEST_DATA");
    const fs::path folder = given ? fs::path(given) : fs::path(MARGINALIA_SOURCE_DIR).parent_path() / "shared" / "data";
    if (fs::exists(folder / file)) return folder.string();
    std::cout << "left out: there is no " << (folder / file).string() << std::endl;
    return "";
}

}  // namespace dataset_testing
