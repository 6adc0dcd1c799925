package dev.rooftree.local;

import java.io.IOException;
import java.io.StringReader;
import java.text.ParseException;
import java.util.List;
import java.util.function.Function;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.synonym.SolrSynonymParser;
import org.apache.lucene.analysis.synonym.SynonymFilter;
import org.apache.lucene.analysis.synonym.SynonymGraphFilter;
import org.apache.lucene.analysis.synonym.SynonymMap;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.index.IndexService.IndexCreationContext;
import org.elasticsearch.index.analysis.AbstractTokenFilterFactory;
import org.elasticsearch.index.analysis.AnalysisMode;
import org.elasticsearch.index.analysis.CharFilterFactory;
import org.elasticsearch.index.analysis.CustomAnalyzer;
import org.elasticsearch.index.analysis.TokenFilterFactory;
import org.elasticsearch.index.analysis.TokenizerFactory;

/** `synonym` and `synonym_graph` with rules in the settings; they are read with the filters that come before. */
class SynonymFilterFactory extends AbstractTokenFilterFactory {
  private final List<String> rules;
  private final boolean expand;
  private final boolean lenient;
  private final boolean updateable;
  private final boolean graph;

  SynonymFilterFactory(String name, Settings settings, boolean graph) {
    super(name);
    for (String key : List.of("synonyms_path", "synonyms_set")) {
      if (settings.hasValue(key)) {
        throw new IllegalArgumentException("the local stack takes [synonyms] in the settings, not [" + key + "]");
      }
    }
    if (!settings.get("format", "solr").equals("solr")) {
      throw new IllegalArgumentException("the local stack reads synonyms in the format [solr] only");
    }
    rules = settings.getAsList("synonyms", null);
    if (rules == null) {
      throw new IllegalArgumentException("synonym requires [synonyms] to be configured");
    }
    expand = settings.getAsBoolean("expand", true);
    updateable = settings.getAsBoolean("updateable", false);
    lenient = settings.getAsBoolean("lenient", updateable);
    this.graph = graph;
  }

  @Override
  public AnalysisMode getAnalysisMode() {
    return updateable ? AnalysisMode.SEARCH_TIME : AnalysisMode.ALL;
  }

  @Override
  public TokenStream create(TokenStream tokens) {
    throw new IllegalStateException("synonyms are made with the chain that they are in");
  }

  @Override
  public TokenFilterFactory getChainAwareTokenFilterFactory(
      IndexCreationContext context,
      TokenizerFactory tokenizer,
      List<CharFilterFactory> charFilters,
      List<TokenFilterFactory> previous,
      Function<String, TokenFilterFactory> all) {
    TokenFilterFactory[] filters =
        previous.stream().map(TokenFilterFactory::getSynonymFilter).toArray(TokenFilterFactory[]::new);
    SynonymMap map = parse(new CustomAnalyzer(tokenizer, charFilters.toArray(CharFilterFactory[]::new), filters));
    return new AbstractTokenFilterFactory(name()) {
      @Override
      public TokenStream create(TokenStream tokens) {
        if (map.fst == null) {
          return tokens;
        }
        return graph ? new SynonymGraphFilter(tokens, map, false) : new SynonymFilter(tokens, map, false);
      }

      @Override
      public TokenFilterFactory getSynonymFilter() {
        return IDENTITY_FILTER;
      }

      @Override
      public AnalysisMode getAnalysisMode() {
        return SynonymFilterFactory.this.getAnalysisMode();
      }
    };
  }

  private SynonymMap parse(Analyzer analyzer) {
    SolrSynonymParser parser = new SolrSynonymParser(true, expand, analyzer);
    try {
      for (String rule : rules) {
        try {
          parser.parse(new StringReader(rule));
        } catch (ParseException problem) {
          if (!lenient) {
            throw new IllegalArgumentException("failed to build synonyms", problem);
          }
        }
      }
      return parser.build();
    } catch (IOException problem) {
      throw new IllegalArgumentException("failed to build synonyms", problem);
    }
  }
}
