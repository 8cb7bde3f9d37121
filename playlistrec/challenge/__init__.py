"""The task of the RecSys Challenge 2018: making a challenge set, answering, verifying and scoring."""
