package dev.rooftree.local;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.Tokenizer;
import org.apache.lucene.analysis.core.KeywordTokenizer;
import org.apache.lucene.analysis.core.WhitespaceTokenizer;
import org.apache.lucene.analysis.email.UAX29URLEmailTokenizer;
import org.apache.lucene.analysis.en.EnglishMinimalStemFilter;
import org.apache.lucene.analysis.en.EnglishPossessiveFilter;
import org.apache.lucene.analysis.en.KStemFilter;
import org.apache.lucene.analysis.en.PorterStemFilter;
import org.apache.lucene.analysis.miscellaneous.ASCIIFoldingFilter;
import org.apache.lucene.analysis.miscellaneous.RemoveDuplicatesTokenFilter;
import org.apache.lucene.analysis.miscellaneous.TrimFilter;
import org.apache.lucene.analysis.miscellaneous.WordDelimiterGraphFilter;
import org.apache.lucene.analysis.miscellaneous.WordDelimiterIterator;
import org.apache.lucene.analysis.ngram.EdgeNGramTokenFilter;
import org.apache.lucene.analysis.pattern.PatternCaptureGroupTokenFilter;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.index.analysis.AbstractTokenFilterFactory;
import org.elasticsearch.index.analysis.AbstractTokenizerFactory;
import org.elasticsearch.index.analysis.NormalizingTokenFilterFactory;
import org.elasticsearch.index.analysis.PreConfiguredTokenFilter;
import org.elasticsearch.index.analysis.PreConfiguredTokenizer;
import org.elasticsearch.index.analysis.TokenFilterFactory;
import org.elasticsearch.index.analysis.TokenizerFactory;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;
import org.elasticsearch.plugins.AnalysisPlugin;
import org.elasticsearch.plugins.Plugin;

/**
 * Analysis parts that every full Elasticsearch has and its minimal distribution lacks, with the same names, options and
 * defaults. `pattern_capture`, `unique` (same position only) and `uax_url_email` are here for the security index, the
 * others for the product. An option that is not known here is not silently different: it is refused where it matters.
 */
public class LocalAnalysisPlugin extends Plugin implements AnalysisPlugin {
  @Override
  public Map<String, AnalysisProvider<TokenFilterFactory>> getTokenFilters() {
    Map<String, AnalysisProvider<TokenFilterFactory>> filters = new HashMap<>();
    filters.put("pattern_capture", AnalysisPlugin.requiresAnalysisSettings((i, e, name, s) -> patternCapture(name, s)));
    filters.put("unique", (i, e, name, s) -> plain(name, RemoveDuplicatesTokenFilter::new));
    filters.put("porter_stem", (i, e, name, s) -> plain(name, PorterStemFilter::new));
    filters.put("stemmer", (i, e, name, s) -> plain(name, stemmer(s)));
    filters.put("trim", (i, e, name, s) -> normalizing(name, TrimFilter::new, TrimFilter::new));
    filters.put("asciifolding", (i, e, name, s) -> asciiFolding(name, s));
    filters.put("edge_ngram", (i, e, name, s) -> edgeNgram(name, s));
    filters.put("word_delimiter_graph", (i, e, name, s) -> wordDelimiterGraph(name, s));
    filters.put("synonym", synonyms(false));
    filters.put("synonym_graph", synonyms(true));
    return filters;
  }

  @Override
  public List<PreConfiguredTokenFilter> getPreConfiguredTokenFilters() {
    return List.of(
        PreConfiguredTokenFilter.singleton("asciifolding", true, ASCIIFoldingFilter::new),
        PreConfiguredTokenFilter.singleton("trim", true, TrimFilter::new),
        PreConfiguredTokenFilter.singleton("porter_stem", false, PorterStemFilter::new),
        PreConfiguredTokenFilter.singleton("unique", false, RemoveDuplicatesTokenFilter::new));
  }

  @Override
  public Map<String, AnalysisProvider<TokenizerFactory>> getTokenizers() {
    return Map.of(
        "uax_url_email", (i, e, name, s) -> tokenizer(name, UAX29URLEmailTokenizer::new),
        "whitespace", (i, e, name, s) -> tokenizer(name, WhitespaceTokenizer::new),
        "keyword", (i, e, name, s) -> tokenizer(name, KeywordTokenizer::new));
  }

  @Override
  public List<PreConfiguredTokenizer> getPreConfiguredTokenizers() {
    return List.of(
        PreConfiguredTokenizer.singleton("whitespace", WhitespaceTokenizer::new),
        PreConfiguredTokenizer.singleton("keyword", KeywordTokenizer::new));
  }

  private static TokenizerFactory tokenizer(String name, Supplier<Tokenizer> tokenizer) {
    return new AbstractTokenizerFactory(name) {
      @Override
      public Tokenizer create() {
        return tokenizer.get();
      }
    };
  }

  private static AnalysisProvider<TokenFilterFactory> synonyms(boolean graph) {
    return AnalysisPlugin.requiresAnalysisSettings((i, e, name, s) -> new SynonymFilterFactory(name, s, graph));
  }

  static TokenFilterFactory plain(String name, UnaryOperator<TokenStream> filter) {
    return new AbstractTokenFilterFactory(name) {
      @Override
      public TokenStream create(TokenStream tokens) {
        return filter.apply(tokens);
      }
    };
  }

  /** A filter that normalizers may use too, and in another form. */
  private static TokenFilterFactory normalizing(
      String name, UnaryOperator<TokenStream> filter, UnaryOperator<TokenStream> normalizer) {
    class Factory extends AbstractTokenFilterFactory implements NormalizingTokenFilterFactory {
      Factory() {
        super(name);
      }

      @Override
      public TokenStream create(TokenStream tokens) {
        return filter.apply(tokens);
      }

      @Override
      public TokenStream normalize(TokenStream tokens) {
        return normalizer.apply(tokens);
      }

      @Override
      public TokenFilterFactory getSynonymFilter() {
        return plain(name, normalizer);
      }
    }
    return new Factory();
  }

  /** A filter that makes several tokens of one, which synonyms cannot be read with. */
  private static TokenFilterFactory splitting(String name, UnaryOperator<TokenStream> filter) {
    return new AbstractTokenFilterFactory(name) {
      @Override
      public TokenStream create(TokenStream tokens) {
        return filter.apply(tokens);
      }

      @Override
      public TokenFilterFactory getSynonymFilter() {
        throw new IllegalArgumentException("Token filter [" + name() + "] cannot be used to parse synonyms");
      }
    };
  }

  private static TokenFilterFactory patternCapture(String name, Settings settings) {
    boolean keep = settings.getAsBoolean("preserve_original", true);
    Pattern[] patterns = settings.getAsList("patterns").stream().map(Pattern::compile).toArray(Pattern[]::new);
    return plain(name, tokens -> new PatternCaptureGroupTokenFilter(tokens, keep, patterns));
  }

  private static UnaryOperator<TokenStream> stemmer(Settings settings) {
    String language = settings.get("language", settings.get("name", "porter"));
    Function<TokenStream, TokenStream> filter = switch (language) {
      case "porter", "english" -> PorterStemFilter::new;
      case "light_english", "kstem" -> KStemFilter::new;
      case "minimal_english" -> EnglishMinimalStemFilter::new;
      case "possessive_english" -> EnglishPossessiveFilter::new;
      default -> throw new IllegalArgumentException("the local stack has no stemmer for [" + language + "]");
    };
    return filter::apply;
  }

  private static TokenFilterFactory asciiFolding(String name, Settings settings) {
    boolean keep = settings.getAsBoolean("preserve_original", false);
    return normalizing(name, tokens -> new ASCIIFoldingFilter(tokens, keep), ASCIIFoldingFilter::new);
  }

  private static TokenFilterFactory edgeNgram(String name, Settings settings) {
    if (!settings.get("side", "front").equals("front")) {
      throw new IllegalArgumentException("the local stack has edge n-grams of the front only");
    }
    int shortest = settings.getAsInt("min_gram", 1);
    int longest = settings.getAsInt("max_gram", 2);
    boolean keep = settings.getAsBoolean("preserve_original", false);
    return splitting(name, tokens -> new EdgeNGramTokenFilter(tokens, shortest, longest, keep));
  }

  private static TokenFilterFactory wordDelimiterGraph(String name, Settings settings) {
    for (String key : List.of("type_table", "type_table_path", "protected_words", "protected_words_path")) {
      if (settings.hasValue(key) || !settings.getAsList(key).isEmpty()) {
        throw new IllegalArgumentException("the local stack's word_delimiter_graph has no [" + key + "]");
      }
    }
    int flags = 0;
    for (Option option : OPTIONS) {
      flags |= settings.getAsBoolean(option.name, option.isOn) ? option.flag : 0;
    }
    int chosen = flags;
    boolean adjust = settings.getAsBoolean("adjust_offsets", true);
    byte[] table = WordDelimiterIterator.DEFAULT_WORD_DELIM_TABLE;
    return splitting(name, tokens -> new WordDelimiterGraphFilter(tokens, adjust, table, chosen, null));
  }

  private record Option(String name, boolean isOn, int flag) {}

  private static final List<Option> OPTIONS = List.of(
      new Option("generate_word_parts", true, WordDelimiterGraphFilter.GENERATE_WORD_PARTS),
      new Option("generate_number_parts", true, WordDelimiterGraphFilter.GENERATE_NUMBER_PARTS),
      new Option("catenate_words", false, WordDelimiterGraphFilter.CATENATE_WORDS),
      new Option("catenate_numbers", false, WordDelimiterGraphFilter.CATENATE_NUMBERS),
      new Option("catenate_all", false, WordDelimiterGraphFilter.CATENATE_ALL),
      new Option("split_on_case_change", true, WordDelimiterGraphFilter.SPLIT_ON_CASE_CHANGE),
      new Option("preserve_original", false, WordDelimiterGraphFilter.PRESERVE_ORIGINAL),
      new Option("split_on_numerics", true, WordDelimiterGraphFilter.SPLIT_ON_NUMERICS),
      new Option("stem_english_possessive", true, WordDelimiterGraphFilter.STEM_ENGLISH_POSSESSIVE),
      new Option("ignore_keywords", false, WordDelimiterGraphFilter.IGNORE_KEYWORDS));
}
