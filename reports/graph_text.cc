// The graphs of all findings, for Graphviz and for Mermaid. Labels are printable: dot takes control
// characters without a word and makes a broken SVG of them; and they are short: it refuses a line above 16
// KiB.
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "reports/finding_graph.h"
#include "reports/formats.h"
#include "reports/source_place.h"
#include "reports/text_style.h"

namespace gordian::report {
namespace {

constexpr size_t kLongestLabel = 200;

std::string DotLabel(const std::string& text) {
  std::string label = "\"";
  for (const char c : Printable(text, kLongestLabel)) {
    absl::StrAppend(&label, c == '"' || c == '\\' ? "\\" : "", std::string(1, c));
  }
  return label + "\"";
}

// Mermaid has entities in place of an escape character, and marks of its own.
std::string MermaidLabel(const std::string& text) {
  std::string label = "\"";
  for (const char c : Printable(text, kLongestLabel)) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = byte >= 0x80 || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                          (c >= 'a' && c <= 'z') ||
                          std::string_view(" ._-:/+").find(c) != std::string_view::npos;
    if (is_plain) {
      label += c;
    } else {
      absl::StrAppend(&label, "#", static_cast<int>(byte), ";");
    }
  }
  return label + "\"";
}

std::string TitleOf(const ReportFinding& finding) {
  return absl::StrCat(finding.rule, ": ", finding.title, " [", finding.fingerprint, "]");
}

void AddDot(const ReportFinding& finding, const FindingGraph& graph, size_t number, std::string* out) {
  absl::StrAppend(out, "  subgraph cluster_", number, " {\n    label=", DotLabel(TitleOf(finding)), ";\n");
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const bool is_lock = graph.nodes[n].kind == GraphNode::Kind::kLock;
    absl::StrAppend(out, "    f", number, "_", n, " [label=", DotLabel(graph.nodes[n].label),
                    is_lock ? ", shape=box" : ", shape=ellipse", "];\n");
  }
  for (const GraphEdge& edge : graph.edges) {
    absl::StrAppend(out, "    f", number, "_", edge.from, " -> f", number, "_", edge.to,
                    " [label=", DotLabel(edge.label), edge.waits ? ", style=dashed" : "", "];\n");
  }
  *out += "  }\n";
}

void AddMermaid(const ReportFinding& finding, const FindingGraph& graph, size_t number, std::string* out) {
  absl::StrAppend(out, "  subgraph s", number, "[", MermaidLabel(TitleOf(finding)), "]\n");
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const bool is_lock = graph.nodes[n].kind == GraphNode::Kind::kLock;
    absl::StrAppend(out, "    f", number, "_", n, is_lock ? "[" : "([", MermaidLabel(graph.nodes[n].label),
                    is_lock ? "]" : "])", "\n");
  }
  for (const GraphEdge& edge : graph.edges) {
    absl::StrAppend(out, "    f", number, "_", edge.from, edge.waits ? " -.->|" : " -->|",
                    MermaidLabel(edge.label), "| f", number, "_", edge.to, "\n");
  }
  *out += "  end\n";
}

using AddGraph = void (*)(const ReportFinding& finding, const FindingGraph& graph, size_t number,
                          std::string* out);

std::string Graphs(const Report& report, AddGraph add) {
  const Report printable = PrintableReport(report);
  std::string out;
  size_t number = 0;
  for (const ReportFinding* finding : WorstFirst(printable)) {
    const FindingGraph graph = GraphOf(*finding);
    if (finding->status == "new" && !graph.edges.empty()) {
      add(*finding, graph, ++number, &out);
    }
  }
  return out;
}

}  // namespace

std::string ToDot(const Report& report, const FormatOptions& /*options*/) {
  return absl::StrCat(
      "digraph gordian {\n  node [fontname=\"sans-serif\"];\n  edge [fontname=\"sans-serif\"];\n",
      Graphs(report, AddDot), "}\n");
}

std::string ToMermaid(const Report& report, const FormatOptions& /*options*/) {
  return absl::StrCat("flowchart LR\n", Graphs(report, AddMermaid));
}

}  // namespace gordian::report
