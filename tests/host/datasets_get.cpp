// `data get` from local files: unpacking, checksums, the cache that datasets find too.
#include <doctest/doctest.h>

#include "kernel/host/data/cache.h"
#include "plugins/datasets/data_files.h"
#include "tests/host/data_testing.h"

using namespace data_testing;

TEST_CASE("MD5 of RFC 1321") {
    CHECK(md5_hex("") == "d41d8cd98f00b204e9800998ecf8427e");
    CHECK(md5_hex("message digest") == "f96b697d7cb7938d525a2f31aaf161d0");
    CHECK(md5_hex("12345678901234567890123456789012345678901234567890123456789012345678901234567890") ==
          "57edf4a22be3c955ac49da2e2107b67a");
    const Folder folder;
    for (const std::size_t size : {0, 55, 56, 63, 64, 65536, 100'000})
        CHECK(md5_of_file(folder.write("x", two.substr(0, size))) == md5_hex(two.substr(0, size)));
}

TEST_CASE("the cache: datasets and the program look in the same place") {
    const Folder folder;
    const std::pair<const char*, std::string> settings[][3] = {
        {{"MARGINALIA_DATA", folder / "a"}, {"XDG_CACHE_HOME", folder / "b"}, {"HOME", folder / "c"}},
        {{"MARGINALIA_DATA", ""}, {"XDG_CACHE_HOME", folder / "b"}, {"HOME", folder / "c"}},
        {{"MARGINALIA_DATA", ""}, {"XDG_CACHE_HOME", "relative"}, {"HOME", folder / "c"}},
        {{"MARGINALIA_DATA", ""}, {"XDG_CACHE_HOME", ""}, {"HOME", folder / "c"}}};
    const std::string expected[] = {folder / "a", folder / "b/marginalia", folder / "c/.cache/marginalia",
                                    folder / "c/.cache/marginalia"};
    const std::string home = std::getenv("HOME") ? std::getenv("HOME") : "";
    for (std::size_t i = 0; i < 4; ++i) {
        for (const auto& [name, value] : settings[i]) ::setenv(name, value.c_str(), 1);
        CHECK(cache_folder().string() == expected[i]);
        CHECK(marginalia::data_cache() == expected[i]);
    }
    ::setenv("HOME", "", 1);
    const std::string nowhere =
        "neither MARGINALIA_DATA, XDG_CACHE_HOME nor HOME is set, so there is no cache of data sets; set "
        "MARGINALIA_DATA";
    CHECK_THROWS_WITH(cache_folder(), nowhere.c_str());
    CHECK_THROWS_WITH(marginalia::data_cache(), nowhere.c_str());
    ::setenv("HOME", home.c_str(), 1);
}

TEST_CASE("the data sets: every file can be checked, and the folders and names are those that datasets read") {
    for (const DataSet& set : data_sets()) {
        CHECK_FALSE(set.licence.empty());
        for (const DataFile& file : set.files)
            CHECK((file.torus_vertices > 0 ||
                   ((file.size > 0 || file.whole) && (file.sha256.size() == 64 || file.md5.size() == 32))));
    }
    const Folder cache;
    ::setenv("MARGINALIA_DATA", cache.path().c_str(), 1);
    const std::pair<std::string, std::pair<std::string, energy_plugin::Words>> readers[] = {
        {"mnist", {"mnist", {{"binarisation", "threshold"}}}},
        {"mnist-static", {"mnist", {}}},
        {"moses", {"moses", {}}},
        {"text8", {"text8", {}}},
        {"text8-74m", {"text8", {{"bytes", "7"}}}},
        {"cifar10", {"cifar10", {{"grey", "true"}}}}};
    const std::string pictures =
        bytes_of(fs::path(MARGINALIA_SOURCE_DIR) / "plugins/datasets/cifar10/conformance/data_batch_2.png");
    for (const auto& [name, reader] : readers) {
        const DataSet& set = set_named(name);
        for (const DataFile& file : set.files) {
            // Every file but this one is there and wrong in a way that is named; this one is reported as missing.
            const std::string path = set.folder + "/" + file.name;
            if (name != "text8-74m") {
                CHECK(refusal(reader.first, reader.second, cache).starts_with(path + ": there is no such file"));
                CHECK(refusal(reader.first, reader.second, cache).find("marginalia data get " + name) !=
                      std::string::npos);
            }
            const bool is_idx = file.name.find("idx3") != std::string::npos;
            std::string pixels = "0";
            for (int i = 1; i < 784; ++i) pixels += " 0";
            cache.write(path, is_idx              ? std::string("\0\0\x08\x03\0\0\0\1\0\0\0\1\0\0\0\1.", 17)
                              : name == "moses"   ? "C"
                              : name == "cifar10" ? pictures
                                                  : pixels);
            if (name == "text8-74m")
                CHECK(refusal(reader.first, reader.second, cache).starts_with(path + ": it has 1567 bytes"));
        }
        fs::remove_all(cache / set.folder);
    }
    ::unsetenv("MARGINALIA_DATA");
    CHECK_THROWS_WITH(
        set_named("minst"),
        "unknown data set 'minst'; did you mean 'mnist'? data sets: mnist, mnist-static, moses, text8, "
        "text8-74m, cifar10, G11, G12, G13, abalone, breast-cancer, magic, wine-quality, penguins, adult, power, "
        "gas, hepmass, miniboone, bsds300");
}

TEST_CASE("from a folder: as they are, compressed, under other names, in packages") {
    for (const int how : {0, 1, 2, 3, 4, 5}) {
        CAPTURE(how);
        const Folder folder;
        DataSet set = pair_of_files();
        set.sources = {{Source::Kind::pip, {"pear==1.0"}}, {Source::Kind::npm, {"pear@1"}}};
        folder.write("from/note.txt", "not of the set");
        if (how == 0) folder.write("from/one.txt", one), folder.write("from/two.bin", two);
        if (how == 1)
            folder.write("from/one.txt.gz", gz(one)),
                folder.write("from/second.bin.xz", packed({{"", two}}, "raw", "xz"));
        if (how == 2)
            folder.write("from/one.txt.zip", packed({{"one.txt", one}}, "zip", "none")),
                folder.write("from/two.bin", two);
        if (how == 3)
            folder.write(
                "from/pear-1.0-py3-none-any.whl",
                packed({{"pear/a.txt", "a"}, {"pear/d/one.txt.gz", gz(one)}, {"pear/d/two.bin", two}}, "zip", "none"));
        if (how == 4)
            folder.write("from/pear-1.0.tgz",
                         packed({{"package/two.bin", two}, {"package/one.txt", one}}, "tar", "gzip"));
        if (how == 5)
            folder.write("from/one.txt", "another one"), folder.write("from/one.txt.gz", gz(one)),
                folder.write("from/two.bin", two);
        get_from(set, folder / "from", folder);
        check_whole(folder);
        CHECK(fs::exists(folder / "from/note.txt"));
    }
}

TEST_CASE("from files: one after another, an archive of any name, and what is there already") {
    const Folder folder;
    const DataSet set = pair_of_files();
    const std::string first = folder.write("one.txt.gz", gz(one));
    CHECK(failure(set, first, folder) ==
          "pair could not be fetched:\n  one.txt.gz holds only a part of it\nPut these into cache, or name the file, "
          "folder or address they are "
          "in by --from; they may be compressed (.gz, .xz, .zip) or in a package (.whl, .tgz):\n  two.bin  100000 "
          "bytes, SHA-256 " +
              sha256_hex(two) + "\nAsk the author.");
    CHECK(get_from(set, folder.write("all.dat", packed({{"x/two.bin", two}}, "tar", "xz")), folder) ==
          "pair: two.bin is there, 100000 bytes, checksum right\n");
    check_whole(folder);
    CHECK(get_from(set, "", folder) == "pair: all of it is there, checksums right\n");
    // The one file of a set may have any name.
    DataSet single = set;
    single.files.erase(single.files.begin());
    get(single, folder.write("whatever", two), folder / "other", std::cerr);
    CHECK(bytes_of(folder / "other/two.bin") == two);
}

TEST_CASE("wrong, damaged and empty files are refused, and nothing is kept") {
    const DataSet set = pair_of_files();
    const Folder folder;
    CHECK(failure(set, folder / "none", folder) == "there is no file or folder none");
    CHECK(failure(set, folder.write("one.txt", "the first fill\n"), folder) ==
          "one.txt: this one.txt is another file than the published one: its SHA-256 is " +
              sha256_hex("the first fill\n") + " and that of the published file " + sha256_hex(one));
    CHECK(failure(set, folder.write("one.txt", "short"), folder) ==
          "one.txt: this one.txt is another file than the published one: it has 5 bytes and the published file 15");
    CHECK(failure(set, folder.write("one.txt", one + "more"), folder) ==
          "one.txt: cannot be unpacked: it is longer than the 15 bytes of one.txt");
    CHECK(failure(set, folder.write("one.txt", ""), folder) == "one.txt: the file is empty");
    const std::string whole = gz(two);
    CHECK(failure(set, folder.write("two.bin.gz", whole.substr(0, 50'000)), folder) ==
          "two.bin.gz: cannot be unpacked: truncated gzip input");
    CHECK(failure(set, folder.write("two.bin.xz", packed({{"", two}}, "raw", "xz").substr(0, 50'000)), folder)
              .starts_with("two.bin.xz: cannot be unpacked: "));
    CHECK(failure(set, folder.write("x.zip", packed({{"two.bin", two}}, "zip", "none").substr(0, 50'000)), folder)
              .starts_with("x.zip: cannot be unpacked: "));
    CHECK(failure(set, folder.write("x.zip", packed({{"two.bin.gz", whole.substr(0, 50'000)}}, "zip", "none")),
                  folder) == "x.zip: cannot be unpacked: truncated gzip input");
    CHECK(failure(set, folder.write("x.zip", packed({{"two.bin", ""}}, "zip", "none")), folder) ==
          "x.zip: cannot be unpacked: two.bin in it is empty");
    CHECK(failure(set, folder.write("x.zip", packed({{"three", "3"}}, "zip", "none")), folder) ==
          "x.zip holds none of the files that are missing: one.txt, two.bin");
    fs::create_directories(folder / "empty");
    CHECK(failure(set, folder / "empty", folder) == "empty holds none of the files that are missing: one.txt, two.bin");
    check_nothing(folder);

    folder.write("cache/one.txt", "the first fill\n");
    CHECK(failure(set, folder / "empty", folder)
              .starts_with("cache/one.txt: this is another file than the published one: its SHA-256 is "));
    CHECK(bytes_of(folder / "cache/one.txt") == "the first fill\n");  // it may be the user's
    DataSet by_md5 = set;
    for (DataFile& file : by_md5.files) file.sha256.clear();
    CHECK(failure(by_md5, "", folder)
              .find("its MD5 is " + md5_hex("the first fill\n") + " and that of the published file " + md5_hex(one)) !=
          std::string::npos);
}

TEST_CASE("a folder that cannot be made is named, with the way out") {
    const Folder folder;
    folder.write("cache", "a file");
    const std::string message = failure(pair_of_files(), folder.path().string(), folder);
    CHECK(message.starts_with("cache: "));
    CHECK(message.ends_with("; name another folder by --to or MARGINALIA_DATA"));
}

TEST_CASE("graphs of the Gset are known by their shape: from a file, of any name, and not from what is no such graph") {
    const Folder folder;
    const std::string graph = MARGINALIA_SOURCE_DIR "/sdk/example/maxcut/G11.txt";
    const std::string text = marginalia::file_contents(graph);
    CHECK(get_from(set_named("G11"), graph, folder) == "G11: G11.txt is there, 16360 bytes, shape right\n");
    CHECK(get_from(set_named("G11"), "", folder) == "G11: all of it is there, shapes right\n");
    CHECK(get_from(set_named("G12"), folder.write("g12.gz", gz(text)), folder) ==
          "G12: G12.txt is there, 16360 bytes, shape right\n");
    const auto refusal = [&](const std::string& bytes) {
        const std::string said = failure(set_named("G13"), folder.write("G13", bytes), folder);
        const std::string begin = "G13: this G13.txt is another file than the published one: ";
        REQUIRE(said.starts_with(begin));
        CHECK_FALSE(fs::exists(folder / "cache/G13.txt"));
        return said.substr(begin.size());
    };
    CHECK(refusal("<html>not found</html>") == "it does not begin with '800 1600', the numbers of vertices and edges");
    CHECK(refusal("800 1601\n") == "it does not begin with '800 1600', the numbers of vertices and edges");
    CHECK(refusal(text.substr(0, text.size() / 2)).starts_with("it ends, or is not a number, at edge "));
    CHECK(refusal("800 1600\n1 801 1\n") == "edge 1 is '1 801 1', not two of 800 vertices and 1 or -1");
    CHECK(refusal("800 1600\n1 2 2\n") == "edge 1 is '1 2 2', not two of 800 vertices and 1 or -1");
    CHECK(refusal(text + "1 2 1\n") == "it goes on behind its 1600 edges");
    const std::size_t first = text.find("1 793 1");
    CHECK(refusal(std::string(text).replace(first, 7, "2 793 1")) == "vertex 1 has 3 edges and not 4");
    CHECK(failure(set_named("G13"), folder.write("G13", text + std::string(1 << 20, '\n')), folder) ==
          "G13: cannot be unpacked: it is longer than the 1048576 bytes of G13.txt");
}

TEST_CASE("an archive that is kept as it is, known by its MD5 sum alone") {
    const std::string archive = packed({{"data/power/data.npy", one}, {"data/miniboone/data.npy", two}}, "tar", "gzip");
    DataSet set{"power", "some rows", "flows", {{"data.tar.gz", 0, "", md5_hex(archive)}}, {}, "none"};
    set.files[0].whole = true;
    const Folder folder;
    CHECK(failure(set, folder.write("data.tar.gz", gz(one)), folder)
              .starts_with("data.tar.gz: this data.tar.gz is another file than the published one: its MD5 is "));
    check_nothing(folder);
    CHECK(failure(set, "", folder) ==
          "power could not be fetched:\n  no address of it is known\nPut these into cache, or name the file, folder or "
          "address they are in by --from:\n  data.tar.gz  MD5 " +
              md5_hex(archive));
    folder.write("from/data.tar.gz", archive), folder.write("from/two.bin", two);
    CHECK(get_from(set, folder / "from", folder) ==
          "power: data.tar.gz is there, " + std::to_string(archive.size()) + " bytes, checksum right\n");
    CHECK(bytes_of(folder / "cache/data.tar.gz") == archive);
    set.name = "gas";  // the next set of the same archive has it already
    CHECK(get_from(set, "", folder) == "gas: all of it is there, checksums right\n");
    fs::remove(folder / "cache/data.tar.gz");
    get_from(set, folder.write("downloaded", archive), folder);
    CHECK(bytes_of(folder / "cache/data.tar.gz") == archive);
}
