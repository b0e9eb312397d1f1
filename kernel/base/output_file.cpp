#include "kernel/base/output_file.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>

namespace marginalia {
namespace {

namespace fs = std::filesystem;

// Of the process, as a signal handler is given nothing else; plain memory, as it may call little.
constexpr std::array ending_signals = {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGALRM, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU};
std::array<char, 64> unfinished{};
volatile int unfinished_folder = -1;

void remove_and_end(int signal) {
    ::unlinkat(unfinished_folder, unfinished.data(), 0);
    ::signal(signal, SIG_DFL);
    ::raise(signal);
}

// Only where the signal would end the process: not under nohup, and not where somebody else handles it.
void replace_handlers(void (*from)(int), void (*to)(int)) {
    for (const int signal : ending_signals) {
        struct sigaction now{};
        ::sigaction(signal, nullptr, &now);
        if (now.sa_handler == from) ::signal(signal, to);
    }
}

std::string kind_of(mode_t mode) {
    if (S_ISDIR(mode)) return "a folder";
    if (S_ISFIFO(mode)) return "a FIFO";
    if (S_ISSOCK(mode)) return "a socket";
    return "a device";
}

// Links are followed by hand, as the file that is replaced is the one they lead to. What the kernel refuses to follow
// in a folder for all, such as /tmp, is refused here: another user's link would choose which of our files is lost.
fs::path followed(fs::path file) {
    constexpr int most_links = 40;
    for (int links = 0;; ++links) {
        struct stat link{}, folder{};
        if (::lstat(file.c_str(), &link) != 0 || !S_ISLNK(link.st_mode)) return file;
        if (links == most_links) throw Error(file.string() + " is a circular link; choose another name");
        const fs::path parent = file.has_parent_path() ? file.parent_path() : ".";
        const bool for_all =
            ::stat(parent.c_str(), &folder) == 0 && (folder.st_mode & S_ISVTX) != 0 && (folder.st_mode & S_IWOTH) != 0;
        if (for_all && link.st_uid != ::geteuid() && link.st_uid != folder.st_uid)
            throw Error(file.string() +
                        " is another user's link in a shared folder and is not followed; choose another name");
        const fs::path target = fs::read_symlink(file);
        file = target.is_absolute() ? target : file.parent_path() / target;
    }
}

std::string unguessable_name() {
    std::uint64_t number = 0;
    if (::getrandom(&number, sizeof number, 0) != sizeof number) throw Error("the system gives no random numbers");
    std::string name = ".marginalia-";
    for (int digit = 0; digit < 16; ++digit, number >>= 4) name += "0123456789abcdef"[number & 15];
    return name + ".part";
}

}  // namespace

// Names are taken relative to the folder as it was opened, whatever happens to its path meanwhile.
struct OutputFile::Place {
    class Descriptor {
    public:
        Descriptor() = default;
        ~Descriptor() {
            if (number_ >= 0) ::close(number_);
        }
        Descriptor(const Descriptor&) = delete;
        Descriptor& operator=(const Descriptor&) = delete;
        bool open(int number) { return (number_ = number) >= 0; }
        operator int() const { return number_; }

    private:
        int number_ = -1;
    };

    std::string shown, elsewhere;  // for the sentences
    std::string name, beside;
    Descriptor folder, descriptor;
    bool exists = false;
    struct stat there{};

    Place(const fs::path& file, const std::string& option)
        : shown(file.string()), elsewhere("choose another place with " + option) {
        check_kind(::stat(file.c_str(), &there), option);
        const fs::path plain = followed(file);
        name = plain.filename().string();
        if (name.empty()) throw Error(shown + " names no file; " + elsewhere);
        open_folder(plain.has_parent_path() ? plain.parent_path() : ".");
        exists = ::fstatat(folder, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0;
        if (exists) check_kind(0, option);
        if (exists && ::faccessat(folder, name.c_str(), W_OK, AT_EACCESS) != 0) fail(errno);
    }
    ~Place() {
        if (beside.empty()) return;
        ::unlinkat(folder, beside.c_str(), 0);
        replace_handlers(remove_and_end, SIG_DFL);
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    void check_kind(int looked, const std::string& option) const {
        if (looked != 0 && errno != ENOENT) throw Error(write_failure(shown, errno, elsewhere));
        if (looked == 0 && !S_ISREG(there.st_mode))
            throw Error(shown + " is " + kind_of(there.st_mode) + " and is not replaced; choose another name with " +
                        option + (option == "--out" ? ", or - for standard output" : ""));
    }
    void open_folder(const fs::path& path) {
        if (folder.open(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC))) return;
        if (errno != ENOENT) throw Error(write_failure(shown, errno, elsewhere));
        throw Error("the folder " + path.string() + " does not exist; make it, or " + elsewhere);
    }
    [[noreturn]] void fail(int error) const {
        const std::string sentence = write_failure(shown, error, elsewhere);
        if (error == ENOSPC || error == EDQUOT || error == EIO) throw WriteError(sentence);
        throw Error(sentence);
    }
};

OutputFile::OutputFile(const fs::path& file, const std::string& option, mode_t mode)
    : place_(std::make_unique<Place>(file, option)) {
    // A signal between the making of the file and its being known would leave it.
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, &before);
    try {
        open_beside(mode);
    } catch (...) {
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        throw;
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    buffer_ = std::make_unique<DescriptorBuffer>(place_->descriptor, place_->shown, place_->elsewhere);
    stream_ = std::make_unique<std::ostream>(buffer_.get());
    stream_->exceptions(std::ios::badbit);
}

void OutputFile::open_beside(mode_t mode) {
    constexpr int most_tries = 100, flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    Place& place = *place_;
    std::string name = unguessable_name();
    for (int tries = 0; !place.descriptor.open(::openat(place.folder, name.c_str(), flags, mode)); ++tries) {
        if (errno != EEXIST || tries == most_tries) place.fail(errno);
        name = unguessable_name();
    }
    unfinished_folder = place.folder;
    std::memcpy(unfinished.data(), name.c_str(), name.size() + 1);
    replace_handlers(SIG_DFL, remove_and_end);
    place.beside = std::move(name);
    if (!place.exists) return;
    // The owner first, as a change of it takes rights away. That another user's file becomes ours is no failure.
    if (::fchown(place.descriptor, place.there.st_uid, place.there.st_gid) != 0) errno = 0;
    if (::fchmod(place.descriptor, place.there.st_mode & 0777) != 0) errno = 0;
}

OutputFile::~OutputFile() = default;

void OutputFile::commit() {
    stream_->flush();
    Place& place = *place_;
    // Some file systems have nothing to be synchronised.
    if (::fsync(place.descriptor) != 0 && errno != EINVAL && errno != EROFS) place.fail(errno);
    if (::renameat(place.folder, place.beside.c_str(), place.folder, place.name.c_str()) != 0) place.fail(errno);
    replace_handlers(remove_and_end, SIG_DFL);
    place.beside.clear();
}

Output::Output(const fs::path& file, std::ostream& standard) : standard_(standard) {
    if (!is_standard(file)) file_.emplace(file);
}

void Output::commit() {
    if (file_) file_->commit();
    else standard_.flush();
}

void write_out(const std::filesystem::path& place, std::string_view bytes, std::ostream& standard) {
    Output output(place, standard);
    output.stream() << bytes;
    output.commit();
}

}  // namespace marginalia
