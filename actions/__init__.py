"""What the demo shop does beyond talking: thin rasa_sdk actions over bot.shop."""
