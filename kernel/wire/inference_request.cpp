#include "kernel/wire/inference_request.h"

#include "kernel/wire/protocol.h"

namespace marginalia {

// [u32 bytes of CBOR][CBOR][encode_trial()]. CBOR, as names of files need not be UTF-8.
std::string encode_inference(const InferenceRequest& request) {
    const OutputRequest& output = request.output;
    const nlohmann::json head = {{"verb", request.verb},
                                 {"label", request.label},
                                 {"checkpoint_descriptor", request.checkpoint_descriptor},
                                 {"plugin_files", request.plugin_files},
                                 {"states", request.states},
                                 {"states_are_text", request.states_are_text},
                                 {"count", request.count},
                                 {"batch", request.batch},
                                 {"format", output.format},
                                 {"file", output.file},
                                 {"columns", output.terminal.columns},
                                 {"colour", output.terminal.colour},
                                 {"blocks", output.terminal.blocks},
                                 {"on_terminal", output.terminal.shown}};
    const std::vector<std::uint8_t> bytes = nlohmann::json::to_cbor(head);
    std::string payload;
    put(payload, static_cast<std::uint32_t>(bytes.size()));
    payload.append(bytes.begin(), bytes.end());
    return payload += encode_trial(request.trial), payload;
}

InferenceRequest decode_inference(std::string_view payload) {
    const auto head_bytes = take<std::uint32_t>(payload);
    const auto head = nlohmann::json::from_cbor(payload.substr(0, head_bytes));
    payload.remove_prefix(head_bytes);
    InferenceRequest request;
    request.verb = head.at("verb");
    request.label = head.at("label");
    request.checkpoint_descriptor = head.at("checkpoint_descriptor");
    request.plugin_files = head.at("plugin_files");
    request.states = head.at("states");
    request.states_are_text = head.at("states_are_text");
    request.count = head.at("count");
    request.batch = head.at("batch");
    request.output.format = head.at("format");
    request.output.file = head.at("file");
    request.output.terminal = {head.at("columns"), head.at("colour"), head.at("blocks"), head.at("on_terminal")};
    request.trial = decode_trial(payload);
    return request;
}

}  // namespace marginalia
