// Where a worker's LibTorch is looked for, in folders that pretend to have one.
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "kernel/host/run/torch_library.h"

using namespace marginalia;

namespace engine_torch {

namespace fs = std::filesystem;

class Machine {
public:
    Machine() {
        std::string name = (fs::temp_directory_path() / "marginalia-torch-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        top = fs::canonical(name);
        search.built.version = "2.13.0";
        search.prefix = top / "prefix";
        search.variable = [this](const std::string& variable) { return environment[variable]; };
        search.python_package = [this] { return asked = true, python.string(); };
    }
    ~Machine() { fs::remove_all(top); }

    // A LibTorch as a wheel lays it out; its folder of libraries.
    fs::path torch(const fs::path& folder, const std::string& version) const {
        for (const char* library : {"libtorch_cpu.so", "libc10.so"}) write(top / folder / "lib" / library, "");
        if (!version.empty()) write(top / folder / "version.py", "cuda = None\n__version__ = '" + version + "'\n");
        return top / folder / "lib";
    }

    void write(const fs::path& file, const std::string& text) const {
        fs::create_directories(file.parent_path());
        std::ofstream(file) << text;
    }

    fs::path top, python;
    bool asked = false;  // whether python3 was
    std::map<std::string, std::string> environment;
    TorchSearch search;
};

std::string refusal(const TorchSearch& search) {
    try {
        torch_libraries(search);
    } catch (const std::exception& error) {
        return error.what();
    }
    return "no refusal";
}

}  // namespace engine_torch

using engine_torch::Machine;
using engine_torch::refusal;

TEST_CASE("LibTorch is found in the order that the header gives") {
    Machine machine;
    TorchSearch& search = machine.search;
    const auto python = machine.torch("system/torch", "2.13.0");
    machine.python = python.parent_path();
    CHECK(torch_libraries(search) == python);
    CHECK(machine.asked);

    machine.asked = false;
    const auto conda = machine.torch("conda/lib/python3.12/site-packages/torch", "2.13.0+cu130");
    machine.environment["CONDA_PREFIX"] = machine.top / "conda";
    CHECK(torch_libraries(search) == conda);
    const auto active = machine.torch("env/lib/python3.11/site-packages/torch", "2.13.0+cpu");
    machine.environment["VIRTUAL_ENV"] = machine.top / "env";
    CHECK(torch_libraries(search) == active);
    search.built.libraries = machine.torch("built", "2.13.0");
    CHECK(torch_libraries(search) == search.built.libraries);
    const auto beside = machine.torch("prefix/lib/torch", "2.13.0");
    CHECK(torch_libraries(search) == beside);
    // Where the user's own list has one, the loader takes that, and the worker says whether it will do.
    const auto half = machine.torch("half", "2.13.0");
    std::filesystem::remove(half / "libc10.so");
    machine.environment["LD_LIBRARY_PATH"] = half;
    CHECK(torch_libraries(search) == beside);
    machine.environment["LD_LIBRARY_PATH"] = "/nowhere:" + machine.torch("listed", "2.11.0").string();
    CHECK(torch_libraries(search).empty());
    const auto chosen = machine.torch("chosen", "2.13.0");
    machine.environment["MARGINALIA_TORCH"] = machine.top / "chosen";
    CHECK(torch_libraries(search) == chosen);
    machine.environment["MARGINALIA_TORCH"] = chosen;
    CHECK(torch_libraries(search) == chosen);
    CHECK(!machine.asked);
}

TEST_CASE("a LibTorch of another version is passed over, one that does not say its version is not") {
    Machine machine;
    machine.torch("env/lib/python3.10/site-packages/torch", "2.11.0");
    const auto right = machine.torch("env/lib/python3.12/site-packages/torch", "2.13.0");
    machine.environment["VIRTUAL_ENV"] = machine.top / "env";
    CHECK(torch_libraries(machine.search) == right);
    const auto silent = machine.torch("prefix/lib/torch", "");
    CHECK(torch_libraries(machine.search) == silent);
    machine.write(machine.top / "prefix/lib/torch/build-version", "2.12.0+cpu\n");  // as an archive says it
    CHECK(torch_libraries(machine.search) == right);
}

TEST_CASE("without a LibTorch the refusal says where it looked, what it met and what to do") {
    Machine machine;
    const std::string top = machine.top.string();
    CHECK(refusal(machine.search) ==
          "there is no LibTorch 2.13.0 in " + top +
              "/prefix/lib/torch, in an active Python environment or by python3; `pip install torch==2.13.0` in an "
              "environment that you activate, or set MARGINALIA_TORCH to the folder of a LibTorch 2.13.0");
    machine.torch("env/lib/python3.11/site-packages/torch", "2.11.0+cpu");
    machine.environment["VIRTUAL_ENV"] = top + "/env";
    machine.search.built.libraries = top + "/gone/lib";
    const std::string met = refusal(machine.search);
    CHECK(met.starts_with("there is no LibTorch 2.13.0 in " + top + "/prefix/lib/torch, in " + top +
                          "/gone/lib, in an active Python environment or by python3 (there is 2.11.0 in " + top +
                          "/env/lib/python3.11/site-packages/torch/lib); `pip install"));
    CHECK(met.ends_with("to the folder of a LibTorch 2.13.0, or build again (`make`)"));

    machine.environment["MARGINALIA_TORCH"] = top;
    CHECK(
        refusal(machine.search) ==
        "MARGINALIA_TORCH is " + top +
            ", which has no lib/libtorch_cpu.so; give the folder of a LibTorch 2.13.0, such as site-packages/torch of "
            "a Python environment");
    machine.environment["MARGINALIA_TORCH"] = top + "/env/lib/python3.11/site-packages/torch";
    CHECK(refusal(machine.search) ==
          "MARGINALIA_TORCH is " + top +
              "/env/lib/python3.11/site-packages/torch, whose LibTorch is 2.11.0; this marginalia was built with "
              "2.13.0, so give the folder of a LibTorch 2.13.0 (`pip install torch==2.13.0`)");
}

TEST_CASE("a build whose file says no version leaves the worker to itself; one of a package names no folder") {
    Machine machine;
    CHECK(built_torch(machine.top).version.empty());
    machine.search.built = {};
    CHECK(torch_libraries(machine.search).empty());
    machine.write(machine.top / "lib/marginalia/libtorch", "2.13.0\n");
    CHECK(built_torch(machine.top).version == "2.13.0");
    CHECK(built_torch(machine.top).libraries.empty());
    machine.write(machine.top / "lib/marginalia/libtorch", "2.13.0\n/a folder/lib\n");
    CHECK(built_torch(machine.top).libraries == "/a folder/lib");
}
