#include "apps/text/vocab.h"

#include <algorithm>
#include <utility>

#include "tensor/atomic_file.h"
#include "tensor/checksum.h"
#include "tensor/error.h"

namespace mininmt {

Vocab::Vocab(std::shared_ptr<const Units> units) : units_(std::move(units)) {
  append(kEosWord);
  append(kUnkWord);
}

Vocab Vocab::load(const std::string& path, std::shared_ptr<const Units> units) {
  LineReader reader(path);
  Vocab vocab(std::move(units));
  const bool of_words = vocab.units_->name() == words()->name();
  std::string line;
  for (const std::string_view expected : {kEosWord, kUnkWord}) {
    if (!reader.next(line) || line != expected) {
      throw DataError(join(path, ":", expected == kEosWord ? 1 : 2, ": a vocabulary has ", expected,
                           " here: its first two lines are </s> and <unk>, then one word a line"));
    }
  }
  while (reader.next(line)) {
    if (!vocab.units_->is_unit(line)) {
      throw DataError(
          join(reader.place(), ": expected one ",
               of_words ? "word, without white space," : "unit of --units " + vocab.units_->name(),
               " and found '", line, "'"));
    }
    if (vocab.size() == kMaxWords) {
      throw DataError(
          join(reader.place(), ": a vocabulary has at most ", kMaxWords, " words: cut the file off here"));
    }
    if (!vocab.add(line)) {
      const Id first = vocab.id(line);
      throw DataError(
          join(reader.place(), ": '", line, "' stands in line ", first + 1, " already: remove one of them"));
    }
  }
  return vocab;
}

Vocab Vocab::of_all(std::shared_ptr<const Units> units) {
  Vocab vocab(std::move(units));
  for (const std::string& unit : vocab.units_->all()) vocab.add(unit);
  return vocab;
}

void Vocab::save(const std::string& path) const {
  std::string contents;
  for (const std::string& word : words_) contents += word + '\n';
  write_file_atomically(path, contents);
}

std::string Vocab::checksum() const {
  Checksum sum;
  if (units_->name() != words()->name()) sum.add(units_->name() + '\n' + units_->model());
  for (const std::string& word : words_) sum.add(word + '\n');
  return sum.text();
}

bool Vocab::add(std::string_view word) {
  if (!units_->is_unit(word))
    throw DataError(join("vocabulary: '", word, "' is not one unit of ", units_->plural()));
  if (ids_.find(word) != ids_.end()) return false;
  if (size() == kMaxWords)
    throw DataError(join("vocabulary: more than ", kMaxWords, " words: set a size limit"));
  append(word);
  return true;
}

void Vocab::append(std::string_view word) {
  ids_.emplace(word, static_cast<Id>(size()));
  words_.emplace_back(word);
}

Id Vocab::id(std::string_view word) const {
  const auto found = ids_.find(word);
  return found == ids_.end() ? kUnk : found->second;
}

std::string_view Vocab::word(Id id) const {
  if (id < 0 || static_cast<std::size_t>(id) >= size())
    throw Error(join("vocabulary: id ", id, " is not one of its ", size(), " words"));
  return words_[static_cast<std::size_t>(id)];
}

std::vector<Id> Vocab::encode(std::string_view line) const {
  std::vector<Id> ids;
  units_->for_each(line, [&](std::string_view word) {
    const Id found = id(word);
    ids.push_back(found == kEos ? kUnk : found);
  });
  ids.push_back(kEos);
  return ids;
}

std::string Vocab::decode(std::span<const Id> ids) const {
  std::vector<std::string_view> found;
  for (const Id id : ids) {
    if (id == kEos) break;
    found.push_back(word(id));
  }
  return units_->line_of(found);
}

void WordCounts::add_line(std::string_view line) {
  units_->for_each(line, [&](std::string_view word) {
    if (word == kEosWord || word == kUnkWord) return;
    const auto found = counts_.find(word);
    if (found != counts_.end()) {
      ++found->second;
    } else {
      counts_.emplace(word, 1);
    }
  });
}

void WordCounts::add(const WordCounts& other) {
  for (const auto& [word, count] : other.counts_) counts_[word] += count;
}

void WordCounts::add_file(const std::string& path, LineOptions options) {
  LineReader reader(path, options);
  std::string line;
  while (reader.next(line)) add_line(line);
}

Vocab WordCounts::vocab(std::size_t limit) const {
  Vocab vocab(units_);
  if (limit != 0 && limit <= vocab.size()) {
    throw UsageError(join("a vocabulary of ", limit,
                          " has no room for a word beside </s> and <unk>: ask for 3 or more, ",
                          "or for 0, which takes all words"));
  }
  add_to(vocab, limit);
  return vocab;
}

void WordCounts::add_to(Vocab& vocab, std::size_t limit) const {
  std::vector<std::pair<std::uint64_t, std::string_view>> words;
  words.reserve(counts_.size());
  for (const auto& [word, count] : counts_) words.emplace_back(count, word);
  std::sort(words.begin(), words.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  for (const auto& [count, word] : words)
    if (limit == 0 || vocab.size() < limit) vocab.add(word);
}

}  // namespace mininmt
