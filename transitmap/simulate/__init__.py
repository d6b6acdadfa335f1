"""A fictional city, its vehicles and its riders, with known truth: city, service, riders, dataset."""
