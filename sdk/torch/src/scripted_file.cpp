#include <marginalia/scripted_file.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>

namespace marginalia {
namespace {

constexpr const char* metadata_file = "marginalia.json";
constexpr const char* how_to_save =
    "; save it in Python by torch.jit.save(torch.jit.script(module), file, _extra_files={\"marginalia.json\": "
    "json.dumps({\"sites\": "
    "D, \"categories\": K})})";

torch::jit::Module load(const std::string& path, torch::jit::ExtraFilesMap& extra) {
    if (!std::filesystem::is_regular_file(path))
        throw Error("there is no file " + path + "; give the path of a TorchScript file");
    try {
        return torch::jit::load(path, at::Device(at::kCPU), extra);
    } catch (const std::exception&) {
        throw Error(path + " is not a TorchScript file" + how_to_save);
    }
}

std::int64_t whole(const nlohmann::json& data, const char* key, std::int64_t minimum, std::int64_t maximum,
                   std::int64_t fallback) {
    if (!data.contains(key)) return fallback;
    const nlohmann::json& value = data.at(key);
    if (!value.is_number_integer() || value < minimum || value > maximum)
        throw Error(std::string("'") + key + "' is " + value.dump() + "; it must be a whole number from " +
                    std::to_string(minimum) + " to " + std::to_string(maximum));
    return value;
}

std::optional<double> number(const nlohmann::json& data, const char* key) {
    if (!data.contains(key)) return std::nullopt;
    if (!data.at(key).is_number())
        throw Error(std::string("'") + key + "' is " + data.at(key).dump() + "; it must be a number");
    return data.at(key).get<double>();
}

Domain read_domain(const nlohmann::json& data) {
    Domain domain;
    domain.sites = whole(data, "sites", 0, 1'000'000'000, 0);
    domain.categories = whole(data, "categories", 2, 255, 0);
    if (domain.categories == 0) throw Error("'categories' is missing; give the number of symbols, 2 to 255");
    domain.layout.shape = data.value("shape", std::vector<std::int64_t>{domain.sites});
    domain.layout.periodic = data.value("periodic", false);
    std::int64_t product = 1;
    for (const std::int64_t extent : domain.layout.shape) product *= extent;
    if (domain.sites == 0 && data.contains("shape"))
        throw Error("'shape' is given, but 'sites' is missing; give D, their number");
    if (product != domain.sites)
        throw Error("'shape' multiplies to " + std::to_string(product) + ", but 'sites' is " +
                    std::to_string(domain.sites));
    return domain;
}

std::vector<Observable> read_observables(const nlohmann::json& data) {
    std::vector<Observable> observables;
    for (const nlohmann::json& entry : data.value("observables", nlohmann::json::array()))
        observables.push_back(entry.is_string() ? Observable{entry, ""}
                                                : Observable{entry.at("name"), entry.value("unit", "")});
    return observables;
}

void read_metadata(const std::string& text, ScriptedFile& file) {
    if (text.empty()) throw Error("the file has no marginalia.json");
    const nlohmann::json data = nlohmann::json::parse(text);
    if (!data.is_object()) throw Error("it must be a dict of keys such as sites and categories");
    for (const auto& [key, value] : data.items()) {
        static const std::vector<std::string> keys = {"sites",   "categories",  "shape", "periodic",
                                                      "symbols", "observables", "log_z", "entropy"};
        if (std::find(keys.begin(), keys.end(), key) == keys.end())
            throw Error("unknown key '" + key +
                        "'; the keys are sites, categories, shape, periodic, symbols, observables, log_z and entropy");
    }
    file.domain = read_domain(data);
    file.symbols = data.value("symbols", std::vector<std::string>{});
    if (!file.symbols.empty() && static_cast<std::int64_t>(file.symbols.size()) != file.domain.categories)
        throw Error("'symbols' has " + std::to_string(file.symbols.size()) + " words for " +
                    std::to_string(file.domain.categories) + " categories");
    file.observables = read_observables(data);
    file.log_z = number(data, "log_z");
    file.entropy = number(data, "entropy");
}

// TorchScript tells its whole traceback: "... File "energy.py", line 12, in f ... RuntimeError: sentence".
std::string sentence_of(const std::string& text) {
    static const std::regex place(R"re(File "([^"]*)", line ([0-9]+))re"),
        sentence(R"((?:^|\n)([A-Za-z.]*(?:Error|Exception): [^\n]*))");
    std::string line, file;
    for (std::sregex_iterator found(text.begin(), text.end(), sentence), none; found != none; ++found)
        line = (*found)[1];
    for (std::sregex_iterator found(text.begin(), text.end(), place), none; found != none; ++found)
        file = std::filesystem::path((*found)[1].str()).filename().string() + ":" + (*found)[2].str();
    if (line.empty()) line = text.substr(0, text.find('\n'));
    return (file.empty() ? "" : file + ": ") + line;
}

}  // namespace

ScriptedFile open_scripted_file(const std::string& path, const std::vector<std::string>& methods) {
    torch::jit::ExtraFilesMap extra{{metadata_file, ""}};
    ScriptedFile file{load(path, extra), {}, {}, {}, {}, {}};
    try {
        read_metadata(extra.at(metadata_file), file);
    } catch (const std::exception& error) {
        throw Error(path + ": its metadata (marginalia.json): " + error.what() + how_to_save);
    }
    file.module.eval();
    for (const std::string& method : methods)
        if (!file.module.find_method(method))
            throw Error(path + ": the module has no method '" + method +
                        "(self, x)'; define it with @torch.jit.export above it");
    return file;
}

at::Tensor call_script(const torch::jit::Module& module, const std::string& method, const at::Tensor& x) {
    try {
        const c10::IValue result = module.get_method(method)({x});
        if (!result.isTensor()) throw Error("it returns " + result.tagKind() + ", not a tensor");
        return result.toTensor();
    } catch (const std::exception& error) {
        throw Error(method + "(x): " + sentence_of(error.what()));
    }
}

}  // namespace marginalia
