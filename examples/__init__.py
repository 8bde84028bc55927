"""Stories: the contract suite at work on a devnet, over real signed transactions."""
