// Whole files, standard output and text for people: the one way in which every verb puts something out.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <limits>
#include <sstream>

#include "kernel/base/output_file.h"
#include "kernel/base/own_file.h"
#include "kernel/base/printable.h"
#include "kernel/base/terminal.h"

namespace fs = std::filesystem;
using namespace marginalia;

namespace {

struct Folder {
    Folder() {
        std::string name = (fs::temp_directory_path() / "base-output-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~Folder() { fs::remove_all(path); }
    std::size_t files() const {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), fs::directory_iterator()));
    }
    fs::path path;
};

std::string contents(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

void put(const fs::path& file, const std::string& text) {
    OutputFile output(file);
    output.stream() << text;
    output.commit();
}

std::string failure(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

mode_t mode_of(const fs::path& file) {
    struct stat found{};
    REQUIRE(::lstat(file.c_str(), &found) == 0);
    return found.st_mode & 07777;
}

// What a child process does and how it ended.
int status_of(const std::function<void()>& work) {
    const pid_t child = ::fork();
    if (child == 0) {
        for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1}) ::signal(signal, SIG_DFL);
        work();
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return status;
}

}  // namespace

TEST_CASE("a file is there whole or not at all, and may come in parts") {
    const Folder folder;
    const fs::path name = folder.path / "x.txt";
    {
        OutputFile file(name);
        file.stream() << "half" << std::flush;
        CHECK(folder.files() == 1);
        CHECK(!fs::exists(name));
    }
    CHECK(folder.files() == 0);
    {
        OutputFile file(name);
        const std::string part(300'000, 'a');
        for (int i = 0; i < 4; ++i) file.stream().write(part.data(), static_cast<std::streamsize>(part.size()));
        file.stream().seekp(1) << 'b';
        file.stream().seekp(0, std::ios::end) << "end";
        file.commit();
    }
    CHECK(contents(name) == "ab" + std::string(1'199'998, 'a') + "end");
    {
        OutputFile file(name);
        file.stream() << "never committed";
    }
    CHECK(contents(name).size() == 1'200'003);
    put(name, "");
    CHECK(contents(name).empty());
    CHECK(folder.files() == 1);
}

TEST_CASE("pieces come one after the other, however they fill the buffer") {
    constexpr std::size_t buffer = 1 << 16;
    const Folder folder;
    const fs::path file = folder.path / "file";
    for (const std::size_t first : {std::size_t{0}, std::size_t{10}, buffer - 1})
        for (const std::size_t second : {buffer - 1, buffer - 10, buffer, buffer + 1, 2 * buffer}) {
            CAPTURE(first);
            CAPTURE(second);
            const std::string text = std::string(first, 'a') + std::string(second, 'b') + "c";
            OutputFile output(file);
            output.stream().write(text.data(), static_cast<std::streamsize>(first));
            output.stream().write(text.data() + first, static_cast<std::streamsize>(second));
            output.stream() << 'c';
            output.commit();
            CHECK(contents(file) == text);
        }
}

TEST_CASE("what is no plain file is not replaced") {
    const Folder folder;
    const std::string place = folder.path.string() + "/";
    const auto refused = [](const std::string& name) { return failure([&] { put(name, "x"); }); };
    const std::string other = " and is not replaced; choose another name with --out, or - for standard output";
    REQUIRE(::mkfifo((place + "fifo").c_str(), 0600) == 0);
    CHECK(refused(place + "fifo") == place + "fifo is a FIFO" + other);
    CHECK(refused(place) == place + " is a folder" + other);
    CHECK(refused("/dev/null") == "/dev/null is a device" + other);
    fs::create_symlink("/dev/full", place + "link");
    CHECK(refused(place + "link") == place + "link is a device" + other);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (place + "socket").copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    CHECK(refused(place + "socket") == place + "socket is a socket" + other);
    ::close(socket);
    CHECK(refused(place + "no/x") ==
          "the folder " + place + "no does not exist; make it, or choose another place with --out");
    CHECK(refused(place + "no/") == place + "no/ names no file; choose another place with --out");
    CHECK(refused(place + std::string(256, 'n')).find(" cannot be written: File name too long; choose another") !=
          std::string::npos);
    CHECK(refused(place + "fifo/x") ==
          place + "fifo/x cannot be written: Not a directory; choose another place with --out");
    put(place + std::string(255, 'n'), "a name as long as may be");
    CHECK(folder.files() == 4);
    CHECK(fs::is_fifo(place + "fifo"));
}

TEST_CASE("links are kept and what they lead to is replaced") {
    const Folder folder;
    const fs::path file = folder.path / "file", link = folder.path / "link", second = folder.path / "second";
    fs::create_symlink("file", link);
    fs::create_symlink(link, second);
    put(second, "through two links");
    CHECK(fs::is_symlink(second));
    CHECK(fs::is_symlink(link));
    CHECK(contents(file) == "through two links");
    put(link, "again");
    CHECK(contents(file) == "again");
    fs::create_symlink("b", folder.path / "a");
    fs::create_symlink("a", folder.path / "b");
    CHECK(failure([&] { put(folder.path / "a", "x"); }).find("Too many levels of symbolic links") != std::string::npos);
    if (::geteuid() == 0) {
        const fs::path shared = folder.path / "shared";
        fs::create_directory(shared);
        REQUIRE(::chmod(shared.c_str(), 01777) == 0);
        fs::create_symlink(file, shared / "trap");
        REQUIRE(::lchown((shared / "trap").c_str(), 12345, 12345) == 0);
        CHECK(failure([&] { put(shared / "trap", "x"); }).find("another user's link in a shared folder") !=
              std::string::npos);
    } else {
        MESSAGE("not root: another user's link is not tried");
    }
    CHECK(contents(file) == "again");
}

TEST_CASE("a new file has the umask's mode, a replaced one keeps its own") {
    const Folder folder;
    const fs::path file = folder.path / "x";
    const mode_t before = ::umask(027);
    put(file, "new");
    ::umask(before);
    CHECK(mode_of(file) == 0640);
    REQUIRE(::chmod(file.c_str(), 0604) == 0);
    put(file, "replaced");
    CHECK(mode_of(file) == 0604);
    const std::string reason = " cannot be written: Permission denied; choose another place with --out";
    const int status = status_of([&] {
        if (::geteuid() == 0) {
            fs::permissions(folder.path, fs::perms::all);
            if (::setuid(12345) != 0) ::_exit(1);
        } else {
            ::chmod(file.c_str(), 0400);
        }
        ::_exit(failure([&] { put(file, "x"); }) == file.string() + reason ? 0 : 2);
    });
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(contents(file) == "replaced");
}

TEST_CASE("a failed write says why and leaves what was there") {
    const Folder folder;
    const fs::path file = folder.path / "x";
    put(file, "before");
    const int status = status_of([&] {
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{100'000, 100'000};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        const std::string said = failure([&] { put(file, std::string(200'000, 'x')); });
        ::_exit(said == file.string() + " cannot be written: File too large; choose another place with --out" ? 0 : 1);
    });
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(contents(file) == "before");
    CHECK(folder.files() == 1);
    CHECK(write_failure("x", ENOSPC, "choose another place") ==
          "x cannot be written: No space left on device; make room on the disk, or choose another place");
}

TEST_CASE("a signal that ends the process leaves no file, and one that is ignored changes nothing") {
    const Folder folder;
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1}) {
        const int status = status_of([&] {
            OutputFile file(folder.path / "x.txt");
            file.stream() << "half" << std::flush;
            ::raise(signal);
        });
        CHECK(WIFSIGNALED(status));
        CHECK(WTERMSIG(status) == signal);
        CHECK(folder.files() == 0);
    }
    const int status = status_of([&] {
        ::signal(SIGHUP, SIG_IGN);  // as under nohup
        OutputFile file(folder.path / "x.txt");
        ::raise(SIGHUP);
        file.stream() << "whole";
        file.commit();
    });
    CHECK(status == 0);
    CHECK(contents(folder.path / "x.txt") == "whole");
}

TEST_CASE("- and no file are standard output") {
    std::ostringstream standard;
    for (const char* name : {"", "-"}) {
        Output output(name, standard);
        CHECK(!output.is_file());
        output.stream() << "here ";
        output.commit();
    }
    CHECK(standard.str() == "here here ");
}

TEST_CASE("foreign text is made harmless and short for people") {
    CHECK(printable("größe ∞ 模型 🎉 a\\b") == "größe ∞ 模型 🎉 a\\b");
    CHECK(printable("a\nb\tc\rd") == "a\\nb\\tc\\rd");
    CHECK(printable("\x1b]0;title\x07") == "\\x1b]0;title\\x07");
    CHECK(printable(std::string("\0\x7f", 2)) == "\\x00\\x7f");
    CHECK(printable("\xc2\x9b"
                    "31m") == "\\x9b31m");  // C1
    CHECK(printable("\u202e\u2066\u200f\u2028\ufeff") == "\\u202e\\u2066\\u200f\\u2028\\ufeff");
    CHECK(printable("\xf3\xa0\x80\xa1") == "\\U000e0021");  // a tag character
    CHECK(printable("\xff\xc0\x80\xed\xa0\x80\xe2\x88") == "\\xff\\xc0\\x80\\xed\\xa0\\x80\\xe2\\x88");
    CHECK(printable_lines("a\n\tb\x1b") == "a\n\tb\\x1b");
    CHECK(printable(std::string(20'000'000, 'x')) == std::string(4000, 'x') + "… (19996000 more bytes)");
    CHECK(printable("ab∞", 4) == "ab… (3 more bytes)");  // no character is cut in two
}

TEST_CASE("words for a shell, names for files, numbers for programs") {
    CHECK(shell_word("ising-10x10.toml") == "ising-10x10.toml");
    CHECK(shell_word("a b; rm -rf ~") == "'a b; rm -rf ~'");
    CHECK(shell_word("it's") == "'it'\\''s'");
    CHECK(shell_word("") == "''");
    CHECK(file_name_of("../../etc/x y\n\x1b") == "..-..-etc-x-y--");
    CHECK(file_name_of(std::string(300, 'x')).size() == 200);
    CHECK(not_finite_name(1).empty());
    CHECK(not_finite_name(-std::numeric_limits<double>::infinity()) == "-Infinity");
    CHECK(not_finite_name(std::numeric_limits<double>::quiet_NaN()) == "NaN");
}

TEST_CASE("the first of three variables that is set says whether a terminal takes UTF-8") {
    const auto says = [](const char* all, const char* kind, const char* language) {
        ::setenv("LC_ALL", all, 1);
        ::setenv("LC_CTYPE", kind, 1);
        ::setenv("LANG", language, 1);
        return locale_is_utf8();
    };
    for (const char* name : {"C.UTF-8", "de_DE.utf8", "en_GB.utf-8", "en_GB.UTF8"}) CHECK(says(name, "C", "C"));
    for (const char* name : {"C", "POSIX", "de_DE.ISO-8859-1"}) CHECK_FALSE(says(name, "C.UTF-8", "C.UTF-8"));
    CHECK(says("", "C.UTF-8", "C"));
    CHECK(says("", "", "C.UTF-8"));
    CHECK_FALSE(says("", "", ""));
}

TEST_CASE("a file of one's own is a plain one that others may not write") {
    const Folder folder;
    const fs::path file = folder.path / "key";
    CHECK_FALSE(read_own_file(file, 022, 100));
    std::ofstream(file) << "0123456789";
    ::chmod(file.c_str(), 0644);
    CHECK(read_own_file(file, 022, 10).value_or("") == "0123456789");
    CHECK_FALSE(read_own_file(file, 022, 9));
    CHECK_FALSE(read_own_file(file, 077, 10));
    ::chmod(file.c_str(), 0620);
    CHECK_FALSE(read_own_file(file, 022, 10));
    ::chmod(file.c_str(), 0600);
    CHECK(read_own_file(file, 077, 10));
    fs::create_symlink(file, folder.path / "link");
    CHECK_FALSE(read_own_file(folder.path / "link", 022, 10));
    CHECK_FALSE(read_own_file(folder.path, 022, 10'000));
    REQUIRE(::mkfifo((folder.path / "fifo").c_str(), 0600) == 0);
    CHECK_FALSE(read_own_file(folder.path / "fifo", 022, 10));
}
