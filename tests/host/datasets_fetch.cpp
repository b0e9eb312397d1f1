// `data get` from its sources: their order, processes at once, killed ones. curl, pip and npm are stand-ins.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "tests/host/data_testing.h"

using namespace data_testing;

namespace {

// Shell scripts called as programs are, before those of the system, while it lives.
class Programs {
public:
    explicit Programs(const Folder& folder) : folder_(folder), before_(std::getenv("PATH")) {
        ::setenv("PATH", (folder / "bin:" + before_).c_str(), 1);
    }
    ~Programs() { ::setenv("PATH", before_.c_str(), 1); }
    void add(const std::string& name, const std::string& script) const {
        fs::permissions(folder_.write("bin/" + name, "#!/bin/sh\n" + script), fs::perms::owner_all);
    }

private:
    const Folder& folder_;
    const std::string before_;
};

// curl as far as it is used: `rest` appends to $out from byte $begun of $source; the last word is the address.
std::string curl_script(const Folder& folder, const std::string& rest) {
    return "while [ $# -gt 1 ]; do case $1 in --output) out=$2;; esac; shift; done\n"
           "begun=0; [ -e \"$out\" ] && begun=$(wc -c <\"$out\")\nsource=" +
           folder.path().string() + "/served/$(basename \"${1%%\\?*}\")\necho \"$begun $1\" >>" +
           folder.path().string() + "/log\n" + rest;
}
constexpr const char* append_all = "tail -c +$((begun + 1)) \"$source\" >>\"$out\"\n";

// Runs `body` in a process of its own.
pid_t forked(const std::function<void()>& body) {
    const pid_t child = ::fork();
    if (child != 0) return child;
    ::setpgid(0, 0);
    try {
        body();
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        ::_exit(1);
    }
    ::_exit(0);
}

bool ended_well(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool is_unlocked(const fs::path& folder) {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool free = ::flock(descriptor, LOCK_EX | LOCK_NB) == 0;
    ::close(descriptor);
    return free;
}

void wait_for(const std::function<bool()>& condition) {
    for (int i = 0; i < 1000 && !condition(); ++i) ::usleep(5000);
    REQUIRE(condition());
}

}  // namespace

TEST_CASE("sources are tried in order; what cannot be had is listed with its checksums") {
    const Folder folder;
    const Programs programs(folder);
    folder.write("served/one.txt.gz", gz(one));
    folder.write("served/pear-2.whl", packed({{"d/two.bin", two}}, "zip", "none"));
    programs.add(
        "curl",
        curl_script(
            folder,
            "[ -e \"$source\" ] || { echo \"curl: (22) The requested URL returned error: 404\" >&2; exit 22; }\n" +
                std::string(append_all)));
    programs.add("npm", "echo 'npm ERR! network is down' >&2; exit 1\n");
    programs.add("pip",
                 "[ \"$1 $8\" = 'download pear==2' ] && cp " + folder.path().string() + "/served/pear-2.whl .\n");
    DataSet set = pair_of_files();
    set.sources = {{Source::Kind::npm, {"pear@2"}},
                   {Source::Kind::address, {"http://first/one.txt.gz", "http://first/two.bin.gz"}}};
    CHECK(failure(set, "", folder) ==
          "pair could not be fetched:\n  npm ERR! network is down\n  curl: (22) The requested URL returned error: "
          "404\nPut "
          "these into cache, or "
          "name the file, folder or address they are in by --from; they may be compressed (.gz, .xz, .zip) or in a "
          "package (.whl, "
          ".tgz):\n  two.bin  100000 bytes, SHA-256 " +
              sha256_hex(two) + "\nAsk the author.");
    CHECK_FALSE(fs::exists(folder / "cache/.partial"));
    set.sources.push_back({Source::Kind::pip, {"pear==2"}});
    get_from(set, "", folder);
    check_whole(folder);

    fs::remove_all(folder / "cache");
    DataSet single = set;
    single.files.pop_back();
    CHECK(get_from(single, "http://elsewhere/one.txt.gz?download=1", folder) ==
          "pair: fetching http://elsewhere/one.txt.gz?download=1\npair: one.txt is there, 15 bytes, checksum right\n");
}

TEST_CASE("a program that is not installed is named") {
    const Folder folder;
    fs::create_directories(folder / "bin");
    const std::string before = std::getenv("PATH");
    ::setenv("PATH", (folder / "bin").c_str(), 1);
    DataSet set = pair_of_files();
    set.sources = {{Source::Kind::npm, {"pear@2"}},
                   {Source::Kind::pip, {"pear==2"}},
                   {Source::Kind::address, {"http://x/one.txt"}}};
    const std::string message = failure(set, "", folder);
    ::setenv("PATH", before.c_str(), 1);
    CHECK(
        message.starts_with("pair could not be fetched:\n  the program npm is not installed\n  the program pip is not "
                            "installed\n  the program "
                            "curl is not installed\nPut these into"));
    check_nothing(folder);
}

TEST_CASE("a killed download leaves no file, and the next one goes on where it ended") {
    const Folder folder;
    const Programs programs(folder);
    folder.write("served/two.bin", two);
    programs.add("curl", curl_script(folder, "head -c 60000 \"$source\" >>\"$out\"; : >" + folder.path().string() +
                                                 "/half; exec sleep 600\n"));
    DataSet set = pair_of_files();
    set.files.erase(set.files.begin());
    set.sources = {{Source::Kind::address, {"http://x/two.bin"}}};
    const pid_t killed = forked([&] { get_from(set, "", folder); });
    wait_for([&] { return fs::exists(folder / "half"); });
    ::kill(-killed, SIGKILL);  // with its curl
    CHECK_FALSE(ended_well(killed));
    wait_for([&] { return is_unlocked(folder / "cache"); });  // its curl, too, has ended
    CHECK_FALSE(fs::exists(folder / "cache/two.bin"));

    programs.add("curl", curl_script(folder, append_all));
    CHECK(get_from(set, "", folder) ==
          "pair: going on with http://x/two.bin\npair: two.bin is there, 100000 bytes, checksum right\n");
    CHECK(bytes_of(folder / "cache/two.bin") == two);
    CHECK(bytes_of(folder / "log") == "0 http://x/two.bin\n60000 http://x/two.bin\n");
    CHECK_FALSE(fs::exists(folder / "cache/.partial"));
}

TEST_CASE("a beginning of another file, or a server that cannot go on, is fetched anew") {
    for (const char* refusal : {"", "[ $begun -gt 0 ] && exit 33\n"}) {
        const Folder folder;
        const Programs programs(folder);
        folder.write("served/two.bin", "Not what it will be later. " + two);
        programs.add(
            "curl",
            curl_script(folder, "head -c 20 \"$source\" >\"$out\"; echo 'curl: (56) connection lost' >&2; exit 56\n"));
        DataSet set = pair_of_files();
        set.files.erase(set.files.begin());
        set.sources = {{Source::Kind::address, {"http://x/two.bin"}}};
        CHECK(failure(set, "", folder)
                  .starts_with("pair could not be fetched:\n  curl: (56) connection lost\nPut these"));
        folder.write("served/two.bin", two);
        programs.add("curl", curl_script(folder, refusal + std::string(append_all)));
        get_from(set, "", folder);
        CHECK(bytes_of(folder / "cache/two.bin") == two);
    }
}

TEST_CASE("a whole download of the wrong file is not kept") {
    const Folder folder;
    const Programs programs(folder);
    folder.write("served/two.bin", noise(100'001).substr(1));
    programs.add("curl", curl_script(folder, append_all));
    DataSet set = pair_of_files();
    set.files.erase(set.files.begin());
    set.sources = {{Source::Kind::address, {"http://x/two.bin"}}};
    CHECK(failure(set, "", folder).find("this two.bin is another file than the published one: its SHA-256 is ") !=
          std::string::npos);
    check_nothing(folder);
}

TEST_CASE("several processes at once: one fetches, the others wait and find it") {
    const Folder folder;
    const Programs programs(folder);
    folder.write("served/two.bin", two);
    folder.write("served/one.txt", one);
    programs.add("curl",
                 curl_script(folder, "head -c 50000 \"$source\" >>\"$out\"; sleep 0.2\nbegun=$(wc -c <\"$out\")\n" +
                                         std::string(append_all)));
    DataSet set = pair_of_files();
    set.sources = {{Source::Kind::address, {"http://x/one.txt", "http://x/two.bin"}}};
    std::vector<pid_t> children;
    for (int i = 0; i < 5; ++i) children.push_back(forked([&] { get_from(set, "", folder); }));
    for (const pid_t child : children) CHECK(ended_well(child));
    check_whole(folder);
    CHECK(bytes_of(folder / "log") == "0 http://x/one.txt\n0 http://x/two.bin\n");
}

TEST_CASE("a download that outlives its killed parent keeps others away until it ends") {
    const Folder folder;
    const Programs programs(folder);
    folder.write("served/two.bin", two);
    programs.add("curl",
                 curl_script(folder, "[ $begun -eq 0 ] && { head -c 60000 \"$source\" >>\"$out\"; : >" +
                                         folder.path().string() + "/half; sleep 0.5; begun=60000; }\n" + append_all));
    DataSet set = pair_of_files();
    set.files.erase(set.files.begin());
    set.sources = {{Source::Kind::address, {"http://x/two.bin"}}};
    const pid_t killed = forked([&] { get_from(set, "", folder); });
    wait_for([&] { return fs::exists(folder / "half"); });
    ::kill(killed, SIGKILL);  // not its curl
    CHECK_FALSE(ended_well(killed));
    const std::string words = get_from(set, "", folder);
    CHECK(words.starts_with("waiting for another process that gets data into "));
    CHECK(bytes_of(folder / "cache/two.bin") == two);
    CHECK(bytes_of(folder / "log") == "0 http://x/two.bin\n");  // whole by then: nothing was fetched again
}
