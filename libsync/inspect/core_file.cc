#include "libsync/inspect/core_file.h"

#include <elf.h>
#include <sys/procfs.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

namespace gordian::inspect {
namespace {

// A damaged header must not make this read, or reserve, everything. A process has 65,530 mappings at most
// (vm.max_map_count), and each thread some four kilobytes of notes.
constexpr uint64_t kMostHeaders = 1U << 20;
constexpr uint64_t kMostNoteBytes = uint64_t{1} << 30;

struct Packer {
  std::string_view magic;
  const char* unpack;
};
constexpr Packer kPackers[] = {{"\x28\xB5\x2F\xFD", "zstd -d"},
                               {"\x04\x22\x4D\x18", "lz4 -d"},
                               {"\x1F\x8B", "gunzip"},
                               {"\xFD"
                                "7zXZ",
                                "unxz"}};

const char* MachineName(uint16_t machine) {
  switch (machine) {
    case EM_386:
      return "32-bit x86";
    case EM_AARCH64:
      return "AArch64";
    case EM_ARM:
      return "32-bit ARM";
    case EM_RISCV:
      return "RISC-V";
    case EM_PPC64:
      return "PowerPC";
    case EM_S390:
      return "S/390";
    default:
      return "another processor";
  }
}

// What is wrong with it, empty if nothing.
std::string CheckHeader(const Elf64_Ehdr& header, size_t bytes) {
  std::string_view text(reinterpret_cast<const char*>(&header), bytes);
  for (const Packer& packer : kPackers) {
    if (text.starts_with(packer.magic)) {
      return std::string("is packed; unpack it first: ") + packer.unpack;
    }
  }
  if (!text.starts_with(std::string_view(ELFMAG, SELFMAG))) {
    return "is no core file";
  }
  if (bytes < sizeof(header)) {
    return "is cut off in its header";
  }
  // The class comes before everything whose place depends on it; the type and the machine stand at one place
  // in all.
  if (header.e_type != ET_CORE) {
    return "is an ELF file, but no core";
  }
  if (header.e_machine != EM_X86_64) {
    return std::string("is the core of a program for ") + MachineName(header.e_machine) +
           ", and gordian reads those of x86-64";
  }
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
      header.e_phentsize != sizeof(Elf64_Phdr)) {
    return "is no core of a 64-bit program";
  }
  return "";
}

template <typename T>
std::optional<T> At(const std::vector<uint8_t>& bytes, size_t at) {
  T value{};
  if (at > bytes.size() || bytes.size() - at < sizeof(value)) {
    return std::nullopt;
  }
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

std::string TextOf(const char* text, size_t most) { return {text, strnlen(text, most)}; }

}  // namespace

std::optional<trace::SafeFile> OpenAnyFile(const std::string& path, std::string* why) {
  std::error_code error;
  const std::filesystem::path resolved = std::filesystem::canonical(path, error);
  return trace::SafeFile::Open(error ? path : resolved.string(), true, why);
}

std::optional<CoreFile> CoreFile::Open(const std::string& path, std::string* why) {
  CoreFile core;
  core.file_ = OpenAnyFile(path, why);
  if (!core.file_) {
    return std::nullopt;
  }
  *why = core.ReadHeaders();
  return why->empty() ? std::optional(std::move(core)) : std::nullopt;
}

std::string CoreFile::ReadHeaders() {
  Elf64_Ehdr header{};
  const size_t got = file_->ReadAt(0, &header, sizeof(header));
  if (std::string problem = CheckHeader(header, got); !problem.empty()) {
    return problem;
  }
  uint64_t count = header.e_phnum;
  if (count == PN_XNUM) {  // more than fit there: the number stands in the first section
    Elf64_Shdr section{};
    file_->ReadAt(header.e_shoff, &section, sizeof(section));
    count = section.sh_info;
  }
  if (count == 0 || count > kMostHeaders) {
    return "has a damaged header";
  }
  std::vector<Elf64_Phdr> headers(count);
  const size_t bytes = headers.size() * sizeof(Elf64_Phdr);
  const bool whole = file_->ReadAt(header.e_phoff, headers.data(), bytes) == bytes;
  const bool fits = std::all_of(headers.begin(), headers.end(), [this](const Elf64_Phdr& segment) {
    return segment.p_filesz <= file_->size() && segment.p_offset <= file_->size() - segment.p_filesz;
  });
  if (!whole || !fits) {
    return "is cut off after " + std::to_string(file_->size()) +
           " bytes (by a full disk, or by a limit: ulimit -c unlimited before the program starts)";
  }
  for (const Elf64_Phdr& segment : headers) {
    const bool executable = (segment.p_flags & PF_X) != 0;
    if (segment.p_type == PT_LOAD) {
      segments_.push_back({segment.p_vaddr, segment.p_memsz, segment.p_offset, executable});
      if (segment.p_filesz != 0) {
        pieces_.push_back({segment.p_vaddr, segment.p_filesz, segment.p_offset, executable});
      }
    }
  }
  const auto by_start = [](const Piece& a, const Piece& b) { return a.start < b.start; };
  std::sort(pieces_.begin(), pieces_.end(), by_start);
  std::sort(segments_.begin(), segments_.end(), by_start);
  for (const Elf64_Phdr& segment : headers) {
    if (segment.p_type == PT_NOTE && segment.p_filesz <= kMostNoteBytes) {
      std::vector<uint8_t> notes(segment.p_filesz);
      file_->ReadAt(segment.p_offset, notes.data(), notes.size());
      ReadNotes(notes);
    }
  }
  AddUnnamedMappings();
  return threads_.empty() ? "tells of no thread" : "";
}

void CoreFile::ReadNotes(const std::vector<uint8_t>& notes) {
  for (size_t at = 0;;) {
    const auto note = At<Elf64_Nhdr>(notes, at);
    if (!note) {
      break;
    }
    const size_t value = at + sizeof(*note) + ((size_t{note->n_namesz} + 3) & ~size_t{3});
    if (value > notes.size() || notes.size() - value < note->n_descsz) {
      break;
    }
    at = value + ((size_t{note->n_descsz} + 3) & ~size_t{3});
    const std::vector<uint8_t> body(notes.begin() + static_cast<std::ptrdiff_t>(value),
                                    notes.begin() + static_cast<std::ptrdiff_t>(value + note->n_descsz));
    if (note->n_type == NT_PRSTATUS) {
      if (const auto status = At<elf_prstatus>(body, 0)) {
        Thread thread;
        thread.tid = status->pr_pid;
        std::memcpy(&thread.registers, &status->pr_reg, sizeof(thread.registers));
        signal_ = threads_.empty() ? status->pr_cursig : signal_;
        threads_.push_back(thread);
      }
    } else if (note->n_type == NT_PRPSINFO) {
      if (const auto info = At<elf_prpsinfo>(body, 0)) {
        pid_ = info->pr_pid;
        ppid_ = info->pr_ppid;
        name_ = TextOf(info->pr_fname, sizeof(info->pr_fname));
        command_ = TextOf(info->pr_psargs, sizeof(info->pr_psargs));
        command_.resize(command_.find_last_not_of(' ') + 1);
      }
    } else if (note->n_type == NT_AUXV) {
      for (size_t entry = 0; const auto pair = At<Elf64_auxv_t>(body, entry); entry += sizeof(*pair)) {
        program_headers_ = pair->a_type == AT_PHDR ? pair->a_un.a_val : program_headers_;
      }
    } else if (note->n_type == NT_FILE) {
      ReadMappedFiles(body);
    }
  }
}

// A count, the unit of the offsets, so many triples of start, end and offset, and so many names.
void CoreFile::ReadMappedFiles(const std::vector<uint8_t>& note) {
  const uint64_t count = At<uint64_t>(note, 0).value_or(0);
  const uint64_t unit = At<uint64_t>(note, 8).value_or(0);
  size_t at = 16;
  if (count > kMostHeaders) {
    return;
  }
  for (uint64_t m = 0; m < count; ++m, at += 24) {
    const auto place = At<std::array<uint64_t, 3>>(note, at);
    if (!place) {
      return;
    }
    Mapping mapping;
    mapping.start = (*place)[0];
    mapping.end = (*place)[1];
    mapping.offset = (*place)[2] * unit;
    mappings_.push_back(std::move(mapping));
  }
  for (Mapping& mapping : mappings_) {
    if (at < note.size()) {
      mapping.path = TextOf(reinterpret_cast<const char*>(note.data()) + at, note.size() - at);
      at += mapping.path.size() + 1;
    }
  }
  std::sort(mappings_.begin(), mappings_.end(),
            [](const Mapping& a, const Mapping& b) { return a.start < b.start; });
  std::erase_if(mappings_, [](const Mapping& mapping) { return mapping.end <= mapping.start; });
}

void CoreFile::AddUnnamedMappings() {
  std::vector<Mapping> all;
  std::swap(all, mappings_);
  for (const Piece& segment : segments_) {
    const auto after =
        std::upper_bound(all.begin(), all.end(), segment.start,
                         [](uint64_t value, const Mapping& mapping) { return value < mapping.start; });
    if (after != all.begin() && segment.start < std::prev(after)->end) {
      std::prev(after)->executable = std::prev(after)->executable || segment.executable;
      continue;
    }
    Mapping mapping;
    mapping.start = segment.start;
    mapping.end = segment.start + segment.bytes;
    mapping.executable = segment.executable;
    mappings_.push_back(std::move(mapping));
  }
  std::move(all.begin(), all.end(), std::back_inserter(mappings_));
  std::sort(mappings_.begin(), mappings_.end(),
            [](const Mapping& a, const Mapping& b) { return a.start < b.start; });
}

void CoreFile::ReadFromFile(const Mapping& mapping, std::shared_ptr<const trace::SafeFile> file) {
  file_pieces_[mapping.start] = {{mapping.start, mapping.end - mapping.start, mapping.offset, false},
                                 std::move(file)};
}

size_t CoreFile::Read(uint64_t address, void* to, size_t bytes) const {
  size_t got = 0;
  while (got < bytes) {
    const uint64_t at = address + got;
    const size_t here = ReadPiece(at, static_cast<char*>(to) + got, bytes - got);
    if (here == 0) {
      break;
    }
    got += here;
  }
  return got;
}

// As much as lies in one piece: of the core where it has it, else of the mapped file.
size_t CoreFile::ReadPiece(uint64_t at, void* to, size_t bytes) const {
  const auto after = std::upper_bound(pieces_.begin(), pieces_.end(), at,
                                      [](uint64_t value, const Piece& piece) { return value < piece.start; });
  if (after != pieces_.begin()) {
    const Piece& piece = *std::prev(after);
    if (at - piece.start < piece.bytes) {
      const uint64_t into = at - piece.start;
      return file_->ReadAt(piece.offset + into, to, std::min<uint64_t>(bytes, piece.bytes - into));
    }
  }
  const auto file = file_pieces_.upper_bound(at);
  if (file == file_pieces_.begin()) {
    return 0;
  }
  const auto& [piece, source] = std::prev(file)->second;
  const uint64_t into = at - piece.start;
  // Not over the start of what the core has.
  const uint64_t end =
      after == pieces_.end() ? piece.bytes : std::min(piece.bytes, after->start - piece.start);
  return into >= end ? 0 : source->ReadAt(piece.offset + into, to, std::min<uint64_t>(bytes, end - into));
}

}  // namespace gordian::inspect
