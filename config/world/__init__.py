"""What the demo seeds: a schedule, people, passes and what they have done with them. All but the schedule is made up."""
