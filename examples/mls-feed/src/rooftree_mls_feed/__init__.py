"""A sample MLS for Rooftree: real sales of Ames, Iowa, as a RESO Web API with placeholder pictures."""
