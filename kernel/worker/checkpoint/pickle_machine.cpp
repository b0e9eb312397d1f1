#include "kernel/worker/checkpoint/pickle_machine.h"

#include <marginalia/error.h>

#include <algorithm>

namespace marginalia {
namespace {

struct StorageType {
    std::string_view name;
    at::ScalarType type;
};
constexpr StorageType storage_types[] = {{"torch\nFloatStorage", at::kFloat}, {"torch\nDoubleStorage", at::kDouble},
                                         {"torch\nHalfStorage", at::kHalf},   {"torch\nBFloat16Storage", at::kBFloat16},
                                         {"torch\nLongStorage", at::kLong},   {"torch\nIntStorage", at::kInt},
                                         {"torch\nShortStorage", at::kShort}, {"torch\nCharStorage", at::kChar},
                                         {"torch\nByteStorage", at::kByte},   {"torch\nBoolStorage", at::kBool}};

constexpr std::string_view tensor_name = "torch._utils\n_rebuild_tensor_v2", ordered_dict = "collections\nOrderedDict",
                           tagged = "torch.jit._pickle\nrestore_type_tag", device_name = "torch\ndevice";
constexpr std::string_view list_names[] = {"torch.jit._pickle\nbuild_intlist", "torch.jit._pickle\nbuild_doublelist",
                                           "torch.jit._pickle\nbuild_boollist", "torch.jit._pickle\nbuild_tensorlist"};

bool is_list(std::string_view name) { return std::ranges::find(list_names, name) != std::end(list_names); }

bool is_module(std::string_view name) { return name.starts_with("__torch__"); }

bool is_known(std::string_view name) {
    return is_module(name) || name == tensor_name || name == ordered_dict || name == tagged || name == device_name ||
           is_list(name) || std::ranges::find(storage_types, name, &StorageType::name) != std::end(storage_types);
}

// A stranger's bytes are not printed raw, nor at any length.
std::string shown(std::string_view name) {
    std::string text(name.substr(0, 80));
    for (char& c : text)
        if (c < ' ' || c > '~') c = c == '\n' ? '.' : '?';
    return text;
}

}  // namespace

void refuse_pickle(const std::string& what) { throw Error("the checkpoint is not read: " + what); }

const PickleNode& PickleMachine::run() {
    while (step()) {
    }
    if (stack_.size() != 1 || !marks_.empty()) refuse_pickle("its pickle does not end as one");
    return nodes_[stack_[0]];
}

std::string_view PickleMachine::take(std::size_t bytes) {
    if (bytes > rest_.size()) refuse_pickle("its pickle is cut off");
    const std::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return taken;
}

std::string_view PickleMachine::take_line() {
    const std::string_view line = take(std::min(rest_.find('\n'), rest_.size()));
    take(1);
    return line;
}

void PickleMachine::push(PickleNode node) {
    nodes_.push_back(std::move(node));
    stack_.push_back(static_cast<Index>(nodes_.size() - 1));
}

PickleMachine::Index PickleMachine::pop() {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) refuse_pickle("its pickle takes from an empty stack");
    const Index last = stack_.back();
    stack_.pop_back();
    return last;
}

PickleNode& PickleMachine::top() {
    const Index last = pop();
    stack_.push_back(last);
    return nodes_[last];
}

std::vector<PickleMachine::Index> PickleMachine::pop_to_mark() {
    if (marks_.empty()) refuse_pickle("its pickle takes from an empty stack");
    const std::vector<Index> items(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return items;
}

void PickleMachine::push_tuple(std::size_t size) {
    std::vector<Index> items(size);
    for (std::size_t i = size; i-- > 0;) items[i] = pop();
    push({Kind::tuple, 0, {}, std::move(items)});
}

void PickleMachine::add_to(Kind kind, const std::vector<Index>& items) {
    PickleNode& to = top();
    if (to.kind != kind || (kind == Kind::dict && items.size() % 2 != 0))
        refuse_pickle("its pickle fills what is not a container");
    to.items.insert(to.items.end(), items.begin(), items.end());
}

void PickleMachine::add_pair() {
    const Index value = pop(), key = pop();
    add_to(Kind::dict, {key, value});
}

void PickleMachine::recall(Index key) {
    const auto found = memo_.find(key);
    if (found == memo_.end()) refuse_pickle("its pickle recalls what it did not keep");
    stack_.push_back(found->second);
}

void PickleMachine::keep(Index key) {
    top();
    memo_[key] = stack_.back();
}

// The codes are those of Python's pickletools, protocol 2.
bool PickleMachine::step() {
    const auto code = take<std::uint8_t>();
    if (code == '.') return false;
    if (!step_values(code) && !step_containers(code) && !step_objects(code))
        refuse_pickle("its pickle has the instruction " + std::to_string(code) + ", which no checkpoint of ours has");
    return true;
}

bool PickleMachine::step_values(std::uint8_t code) {
    switch (code) {
        case 'N': return push({}), true;
        case 0x88: return push_number(1), true;
        case 0x89: return push_number(0), true;
        case 'K': return push_number(take<std::uint8_t>()), true;
        case 'M': return push_number(take<std::uint16_t>()), true;
        case 'J': return push_number(take<std::int32_t>()), true;
        case 0x8a: return push_long(), true;
        case 'G': return take(8), push({}), true;  // a float, which no tensor's shape has
        case 'X': return push_text(), true;
        case 'q': return keep(take<std::uint8_t>()), true;
        case 'r': return keep(take<std::uint32_t>()), true;
        case 'h': return recall(take<std::uint8_t>()), true;
        case 'j': return recall(take<std::uint32_t>()), true;
        default: return false;
    }
}

bool PickleMachine::step_containers(std::uint8_t code) {
    switch (code) {
        case '(': return marks_.push_back(stack_.size()), true;
        case ')': return push_tuple(0), true;
        case 0x85: return push_tuple(1), true;
        case 0x86: return push_tuple(2), true;
        case 0x87: return push_tuple(3), true;
        case 't': return push({Kind::tuple, 0, {}, pop_to_mark()}), true;
        case ']': return push({Kind::list, 0, {}, {}}), true;
        case 'a': return add_to(Kind::list, {pop()}), true;
        case 'e': return add_to(Kind::list, pop_to_mark()), true;
        case '}': return push({Kind::dict, 0, {}, {}}), true;
        case 's': return add_pair(), true;
        case 'u': return add_to(Kind::dict, pop_to_mark()), true;
        default: return false;
    }
}

bool PickleMachine::step_objects(std::uint8_t code) {
    switch (code) {
        case 0x80:
            if (take<std::uint8_t>() != 2) refuse_pickle("its pickle is of another protocol than 2");
            return true;
        case 'c': return push_name(), true;
        case 'Q': return push_storage(), true;
        case 'R': return call(), true;
        case 0x81: return push_module(), true;
        case 'b': return fill_module(), true;
        default: return false;
    }
}

void PickleMachine::push_name() {
    const std::string_view module = take_line(), name = take_line();
    const std::string_view both(module.data(), module.size() + 1 + name.size());
    if (!is_known(both))
        refuse_pickle("its pickle names '" + shown(both) +
                      "', and a checkpoint holds nothing but tensors; nothing of it was run");
    push({Kind::name, 0, both, {}});
}

void PickleMachine::push_text() {
    const auto bytes = take<std::uint32_t>();
    push({Kind::text, 0, take(bytes), {}});
}

void PickleMachine::push_long() {
    const std::string_view bytes = take(take<std::uint8_t>());
    if (bytes.size() > sizeof(std::int64_t)) refuse_pickle("its pickle has a whole number of more than 64 bits");
    const bool negative = !bytes.empty() && (static_cast<unsigned char>(bytes.back()) & 0x80) != 0;
    std::int64_t number = negative ? -1 : 0;
    std::memcpy(&number, bytes.data(), bytes.size());  // little-endian, as this machine is
    push_number(number);
}

const PickleNode& PickleMachine::item(const PickleNode& of, std::size_t place, Kind kind) const {
    if (place >= of.items.size() || nodes_[of.items[place]].kind != kind)
        refuse_pickle("its pickle describes a tensor in another way than LibTorch");
    return nodes_[of.items[place]];
}

// ('storage', type, record, device, length): the numbers go to the CPU wherever they came from.
void PickleMachine::push_storage() {
    const PickleNode& id = nodes_[pop()];
    const std::string_view type = item(id, 1, Kind::name).text;
    const auto found = std::ranges::find(storage_types, type, &StorageType::name);
    if (item(id, 0, Kind::text).text != "storage" || found == std::end(storage_types))
        refuse_pickle("its pickle describes a tensor in another way than LibTorch");
    // What a pickle says once it may recall ever so often, so that nothing of any length is copied.
    constexpr std::size_t most_letters = 64;
    PickledTensor storage;
    storage.storage = item(id, 2, Kind::text).text.substr(0, most_letters);
    storage.type = found->type;
    storage.length = item(id, 4, Kind::number).number;
    storages_.push_back(std::move(storage));
    push({Kind::storage, static_cast<std::int64_t>(storages_.size() - 1), {}, {}});
}

std::vector<std::int64_t> PickleMachine::numbers_of(const PickleNode& tuple) const {
    constexpr std::size_t most_dimensions = 64;
    if (tuple.items.size() > most_dimensions)
        refuse_pickle("its pickle describes a tensor of " + std::to_string(tuple.items.size()) + " dimensions");
    std::vector<std::int64_t> numbers;
    for (std::size_t i = 0; i < tuple.items.size(); ++i) numbers.push_back(item(tuple, i, Kind::number).number);
    return numbers;
}

// (storage, offset, sizes, strides, requires_grad, hooks)
void PickleMachine::push_tensor(const PickleNode& arguments) {
    PickledTensor tensor = storages_[static_cast<std::size_t>(item(arguments, 0, Kind::storage).number)];
    tensor.offset = item(arguments, 1, Kind::number).number;
    tensor.sizes = numbers_of(item(arguments, 2, Kind::tuple));
    tensor.strides = numbers_of(item(arguments, 3, Kind::tuple));
    tensors_.push_back(std::move(tensor));
    push({Kind::tensor, static_cast<std::int64_t>(tensors_.size() - 1), {}, {}});
}

// The few calls that stand for a value; their meaning is written here and nowhere looked up.
void PickleMachine::call() {
    const Index arguments = pop(), called = pop();
    if (nodes_[called].kind != Kind::name || nodes_[arguments].kind != Kind::tuple)
        refuse_pickle("its pickle calls what has no name");
    const std::string_view name = nodes_[called].text;
    if (name == tensor_name) return push_tensor(nodes_[arguments]);
    if (name == ordered_dict) return push({Kind::dict, 0, {}, {}});
    if (name == device_name) return push({});
    if ((name != tagged && !is_list(name)) || nodes_[arguments].items.empty())
        refuse_pickle("its pickle calls '" + shown(name) +
                      "', and a checkpoint holds nothing but tensors; nothing of it was run");
    stack_.push_back(nodes_[arguments].items[0]);  // the list or dict, whose type does not matter here
}

void PickleMachine::push_module() {
    pop();
    const PickleNode& named = nodes_[pop()];
    if (named.kind != Kind::name || !is_module(named.text))
        refuse_pickle("its pickle makes an object of '" + shown(named.text) + "'");
    push({Kind::module, 0, {}, {}});
}

// A module's state is a dict of its attributes, unless code that came with it is to put them in place.
void PickleMachine::fill_module() {
    const Index state = pop();
    PickleNode& module = top();
    if (module.kind != Kind::module || !module.items.empty()) refuse_pickle("its pickle fills what is not a module");
    if (nodes_[state].kind != Kind::dict)
        refuse_pickle("a module in it is to be restored by code that came with it (__setstate__), which is not run");
    constexpr std::size_t most_items = 1 << 20;  // of all modules; one dict may be given to many
    filled_ += nodes_[state].items.size();
    if (filled_ > most_items) refuse_pickle("its modules have too many attributes");
    module.items = nodes_[state].items;
}

}  // namespace marginalia
